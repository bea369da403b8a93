import type { ConfigPort, MemberPort } from "@shadowfleet/control-api";
import { deriveCredential, explainUnavailable, findMethod, type Method } from "@shadowfleet/wire";
import type { KeyConfig, PortConfig } from "../relay-config.ts";
import { type KeyPlan, keyAt, nextChange, type PlannedKey, planKey } from "./planned-key.ts";

/** A port of management made ready to be served. */
export interface PlannedPort {
  readonly source: MemberPort;
  /** Undefined: it cannot be served, and the problems say why. */
  readonly config: PortConfig | undefined;
  /** Sentences about the port or keys of it that are left out; they quote no secret. */
  readonly problems: readonly string[];
  /** When its keys in force change by themselves; milliseconds since 1970, Infinity for never. */
  readonly nextChangeMs: number;
  /** By id, for the next plan of this port. */
  readonly keys: ReadonlyMap<string, KeyPlan>;
}

export interface PortPlanSettings {
  readonly allowInsecureCiphers: boolean;
  /** Where this relay binds its ports, whatever management says. */
  readonly bindHost?: string | undefined;
}

/**
 * Makes one port and its keys ready, as of a time. Whatever is wrong with it stays with it: a key that is of no use is left out, and a port that
 * cannot be served has no configuration. `before` is this port's plan before: keys that have not changed are not derived again.
 */
export function planMemberPort(source: MemberPort, settings: PortPlanSettings, nowMs: number, before?: PlannedPort): PlannedPort {
  const shell = source.config ? planShell(source.config, settings) : "its keys have come, but not the port itself";
  if (typeof shell === "string") return unservable(source, [shell], before);
  const keys = new Map<string, KeyPlan>();
  const problems: string[] = [];
  const inForce: KeyConfig[] = [];
  const fingerprints = new Map<string, string>();
  let nextChangeMs = Number.POSITIVE_INFINITY;
  for (const [id, key] of source.keys) {
    const plan = reuse(before?.keys.get(id), key, shell.method) ?? planKey(key, shell.method);
    keys.set(id, plan);
    const reason = plan.ok ? twinOf(plan.key, fingerprints) : plan.reason;
    if (reason !== undefined) problems.push(`key "${id}" is left out: ${reason}`);
    if (!plan.ok || reason !== undefined) continue;
    nextChangeMs = Math.min(nextChangeMs, nextChange(plan.key, nowMs));
    const config = keyAt(plan.key, nowMs);
    if (config) inForce.push(config);
  }
  const crowd = tooMany(shell, inForce.length);
  if (crowd) return { source, config: undefined, problems: [crowd, ...problems], nextChangeMs, keys };
  const { port, host } = shell;
  return {
    source,
    config: { port, host, method: shell.method, keys: inForce, identityKey: shell.identityKey },
    problems,
    nextChangeMs,
    keys,
  };
}

interface Shell {
  readonly port: number;
  readonly host: string;
  readonly method: Method;
  readonly identityKey: Buffer | undefined;
}

const MAX_PORT = 0xffff;

/** The port without its keys, or what is wrong with it. */
function planShell({ port, host, method: name, identityKey }: ConfigPort, settings: PortPlanSettings): Shell | string {
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) return `${port} is not a port number from 1 to ${MAX_PORT}`;
  const method = findMethod(name);
  if (!method) return explainUnavailable(name) ?? `unknown method "${name}"`;
  if (method.kind === "stream" && !settings.allowInsecureCiphers) {
    return `${method.name} encrypts without authentication, and allowInsecureCiphers is not set on this relay`;
  }
  const shell = { port, host: settings.bindHost ?? (host || "::"), method };
  if (identityKey === "") return { ...shell, identityKey: undefined };
  if (!method.identityHeaders) return `${method.name} has no identity headers, hence no identity key`;
  const derived = deriveCredential(method.name, identityKey);
  if (!derived.ok) return `identity key: ${derived.reason}`;
  if (derived.credential.identityKeys.length > 0) return "the identity key must be one pre-shared key, not a chain";
  return { ...shell, identityKey: derived.credential.key };
}

function unservable(source: MemberPort, problems: readonly string[], before: PlannedPort | undefined): PlannedPort {
  return { source, config: undefined, problems, nextChangeMs: Number.POSITIVE_INFINITY, keys: before?.keys ?? new Map() };
}

function reuse(known: KeyPlan | undefined, key: PlannedKey["source"], method: Method): KeyPlan | undefined {
  return known?.ok && known.key.source === key && known.key.method === method ? known : undefined;
}

function twinOf({ fingerprint, source }: PlannedKey, fingerprints: Map<string, string>): string | undefined {
  const twin = fingerprints.get(fingerprint);
  if (twin !== undefined) return `it has the same secret as key "${twin}", and could not be told apart`;
  fingerprints.set(fingerprint, source.id);
  return undefined;
}

function tooMany({ method, identityKey }: Shell, keys: number): string | undefined {
  if (keys <= 1 || method.kind === "aead" || identityKey) return undefined;
  const why = method.kind === "stream" ? "without authentication nothing tells which is right" : "there is no identity key";
  return `${keys} keys cannot share a port with ${method.name}: ${why}`;
}
