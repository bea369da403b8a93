import type { ConfigKey } from "@shadowfleet/control-api";
import type { KeyLimits } from "@shadowfleet/store";
import { type Credential, deriveCredential, type Method } from "@shadowfleet/wire";
import { readLimits } from "../limits/read-limits.ts";
import type { KeyConfig } from "../relay-config.ts";
import { compileTargets, type TargetRules } from "../target-guard.ts";

/** An access key of management made ready for a port, whatever the time is. */
export interface PlannedKey {
  readonly source: ConfigKey;
  readonly method: Method;
  /** The key while only its current secret works, and while the one being rotated out does as well. */
  readonly alone: KeyConfig;
  readonly rotating: KeyConfig | undefined;
  /** Equal for keys that could not be told apart. */
  readonly fingerprint: string;
  /** In force from start to end, the secret being rotated out until then; milliseconds since 1970, infinite where there is no limit. */
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly rotatedAtMs: number;
}

export type KeyPlan = { readonly ok: true; readonly key: PlannedKey } | { readonly ok: false; readonly reason: string };

/** Derives a key's credentials. A bad current secret is a reason; a bad old one is left out, since it opens nothing. */
export function planKey(source: ConfigKey, method: Method): KeyPlan {
  const { id, displayName, secrets } = source;
  const current = ownCredential(method, secrets[0] ?? "");
  if (typeof current === "string") return { ok: false, reason: current };
  const targets = ownTargets(source);
  if (typeof targets === "string") return { ok: false, reason: targets };
  const limits = ownLimits(source);
  if (typeof limits === "string") return { ok: false, reason: limits };
  const alone: KeyConfig = { id, name: displayName || id, credential: current, ...(targets && { targets }), ...(limits && { limits }) };
  const old = secrets[1] === undefined ? undefined : ownCredential(method, secrets[1]);
  const previousCredential = typeof old === "string" ? undefined : old;
  const key: PlannedKey = {
    source,
    method,
    alone,
    rotating: previousCredential && { ...alone, previousCredential },
    fingerprint: current.key.toString("latin1"),
    startsAtMs: source.startTime?.getTime() ?? Number.NEGATIVE_INFINITY,
    endsAtMs: source.expireTime?.getTime() ?? Number.POSITIVE_INFINITY,
    rotatedAtMs: source.overlapExpireTime?.getTime() ?? Number.POSITIVE_INFINITY,
  };
  return { ok: true, key };
}

/** The key as it is in force at a time; undefined while it is not. */
export function keyAt(key: PlannedKey, nowMs: number): KeyConfig | undefined {
  if (nowMs < key.startsAtMs || nowMs >= key.endsAtMs) return undefined;
  return key.rotating && nowMs < key.rotatedAtMs ? key.rotating : key.alone;
}

/** When `keyAt` gives something else for the next time; Infinity for never. */
export function nextChange({ startsAtMs, endsAtMs, rotatedAtMs, rotating }: PlannedKey, nowMs: number): number {
  if (nowMs < startsAtMs) return startsAtMs < endsAtMs ? startsAtMs : Number.POSITIVE_INFINITY;
  if (nowMs >= endsAtMs) return Number.POSITIVE_INFINITY;
  return rotating && nowMs < rotatedAtMs ? Math.min(rotatedAtMs, endsAtMs) : endsAtMs;
}

/** A list that cannot be read is no list: the key would reach what it must not. */
function ownTargets({ allowTargets, denyTargets }: ConfigKey): TargetRules | string | undefined {
  if (allowTargets.length + denyTargets.length === 0) return undefined;
  try {
    return compileTargets({ allow: allowTargets, deny: denyTargets });
  } catch (error) {
    if (error instanceof TypeError) return `its targets: ${error.message}`;
    throw error;
  }
}

/** A quota that cannot be read is no quota: the key would relay without one. */
function ownLimits({ limits }: ConfigKey): KeyLimits | string | undefined {
  try {
    return readLimits(limits);
  } catch (error) {
    if (error instanceof RangeError) return `its quota: ${error.message}`;
    throw error;
  }
}

function ownCredential(method: Method, secret: string): Credential | string {
  const derived = deriveCredential(method.name, secret);
  if (!derived.ok) return derived.reason;
  if (derived.credential.identityKeys.length > 0) return "the secret must be one pre-shared key, not a chain";
  return derived.credential;
}
