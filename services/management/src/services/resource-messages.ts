import { type AccessKey, AccessKeyState, Origin, type Port, type PortBinding, type Upstream } from "@shadowfleet/control-api";
import type { KeyRecord, PortRecord } from "@shadowfleet/store";
import { findMethod, formatAccessUri } from "@shadowfleet/wire";
import { type KeyEntry, keyStateOf, overlapOf, type PortEntry, type ResourceOrigin, type UpstreamEntry } from "../directory/entries.ts";
import type { FailCountState } from "../directory/fleet-directory.ts";
import type { Binding } from "../directory/members.ts";
import type { UsedSecret } from "../domain/access-keys.ts";
import { limitsMessage } from "./limit-messages.ts";
import { timeOf } from "./requests.ts";

const STATES = {
  active: AccessKeyState.ACCESS_KEY_STATE_ACTIVE,
  disabled: AccessKeyState.ACCESS_KEY_STATE_DISABLED,
  expired: AccessKeyState.ACCESS_KEY_STATE_EXPIRED,
  scheduled: AccessKeyState.ACCESS_KEY_STATE_SCHEDULED,
} as const;

const ORIGINS: Readonly<Record<ResourceOrigin, Origin>> = { runtime: Origin.ORIGIN_RUNTIME, declared: Origin.ORIGIN_DECLARED };

/** An access key as the API shows it, without its secret. */
export function accessKeyMessage({ record, version, origin }: KeyEntry, port: PortEntry | undefined, nowMs: number): AccessKey {
  const overlap: (KeyEntry["record"]["previousSecret"] & UsedSecret) | undefined = overlapOf(record, nowMs);
  return {
    id: record.id,
    displayName: record.displayName,
    port: record.port,
    method: port?.record.method ?? "",
    secret: "",
    state: STATES[keyStateOf(record, nowMs)],
    disabled: record.disabled,
    disabledReason: record.disabledReason,
    startTime: timeOf(record.startsAtMs),
    expireTime: timeOf(record.expiresAtMs),
    allowTargets: [...(record.allowTargets ?? [])],
    denyTargets: [...(record.denyTargets ?? [])],
    limits: limitsMessage(record.limits),
    usage: undefined,
    createTime: timeOf(record.createdAtMs),
    updateTime: timeOf(record.updatedAtMs),
    resourceVersion: BigInt(version),
    origin: ORIGINS[origin],
    overlap: overlap && { expireTime: timeOf(overlap.expiresAtMs), oldSecretLastUsedTime: timeOf(overlap.lastUsedAtMs) },
  };
}

/** What a client has as password; with SIP023 it is `iPSK:uPSK`. */
export function clientPasswordOf({ secret }: Pick<KeyRecord, "secret">, { identityKey }: Pick<PortRecord, "identityKey">): string {
  return identityKey === "" ? secret : `${identityKey}:${secret}`;
}

/** The key's ss:// URI. */
export function accessUriOf({ record }: KeyEntry, { record: port }: PortEntry, host: string): string {
  const password = clientPasswordOf(record, port);
  return formatAccessUri({ method: port.method, password, host, port: record.port, tag: record.displayName || record.id });
}

/** A port as the API shows it. */
export function portMessage({ record, version, origin }: PortEntry, bindings: readonly Binding[], accessKeyCount: number): Port {
  return {
    port: record.port,
    host: record.host,
    method: record.method,
    insecure: findMethod(record.method)?.kind === "stream",
    origin: ORIGINS[origin],
    resourceVersion: BigInt(version),
    createTime: timeOf(record.createdAtMs),
    bindings: bindings.map((binding): PortBinding => ({ ...binding })),
    accessKeyCount,
  };
}

/** An upstream as the API shows it, without its secret. */
export function upstreamMessage({ record, version, origin }: UpstreamEntry, failCount: FailCountState | undefined): Upstream {
  return {
    id: record.id,
    host: record.host,
    port: record.port,
    method: record.method,
    secret: "",
    displayName: record.displayName,
    udpHost: record.udpHost ?? "",
    failCount: failCount?.count ?? 0,
    failCountTime: timeOf(failCount?.changedAtMs),
    origin: ORIGINS[origin],
    resourceVersion: BigInt(version),
  };
}
