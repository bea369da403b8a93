import { createHash } from "node:crypto";
import type { ConfigProblem } from "@shadowfleet/runtime";
import type { KeyRecord, PortRecord, UpstreamRecord, Versioned } from "@shadowfleet/store";
import { addressFrom, deriveCredential, type Method } from "@shadowfleet/wire";
import { checkMethod, checkSecret, singleKeyReason } from "../domain/credential-rules.ts";
import { checkLimits } from "../domain/limit-rules.ts";
import { targetListProblems } from "../domain/target-list.ts";
import { DECLARED_LIMIT_PATHS, keyLimitsOf, misplacedCalendarField } from "./declared-limits.ts";
import type { DeclaredInput } from "./declared-schema.ts";

/** Declared resources in the form of stored ones. Versions are made of the content, hence the same in every replica. */
export interface DeclaredConfig {
  readonly ports: ReadonlyMap<number, Versioned<PortRecord>>;
  readonly keys: ReadonlyMap<string, Versioned<KeyRecord>>;
  readonly upstreams: ReadonlyMap<string, Versioned<UpstreamRecord>>;
  /** Of everything declared. */
  readonly digest: string;
}

export interface DeclaredPlan {
  readonly declared: DeclaredConfig;
  readonly problems: readonly ConfigProblem[];
}

type Report = (path: string, reason: string) => void;

/** Checks what shapes cannot say: methods, secrets, duplicates, keys without their port. Paths begin with `prefix`. */
export function planDeclared(input: DeclaredInput, allowInsecureCiphers: boolean, prefix: string): DeclaredPlan {
  const problems: ConfigProblem[] = [];
  const report: Report = (path, reason) => void problems.push({ path: `${prefix}${path}`, reason });
  const methods = new Map<number, Method>();
  const ports = planPorts(input, allowInsecureCiphers, methods, report);
  const keys = planKeys(input, ports, methods, report);
  const upstreams = planUpstreams(input, allowInsecureCiphers, report);
  const digest = digestOf([[...ports.values()], [...keys.values()], [...upstreams.values()]]);
  return { declared: { ports: versioned(ports), keys: versioned(keys), upstreams: versioned(upstreams), digest }, problems };
}

/** Nothing declared. */
export const NOTHING_DECLARED: DeclaredConfig = planDeclared({ ports: [], keys: [], upstreams: [] }, false, "").declared;

function planPorts(
  { ports }: DeclaredInput,
  allowInsecure: boolean,
  methods: Map<number, Method>,
  report: Report,
): Map<number, PortRecord> {
  const planned = new Map<number, PortRecord>();
  for (const [index, { port, host, method: name, identityKey }] of ports.entries()) {
    const path = `ports[${index}]`;
    if (planned.has(port)) report(`${path}.port`, `port ${port} is declared twice`);
    const method = checkMethod(name, allowInsecure);
    if (!method.ok) {
      report(`${path}.method`, method.reason);
      continue;
    }
    methods.set(port, method.value);
    planned.set(port, {
      port,
      host,
      method: method.value.name,
      identityKey: checkIdentityKey(method.value, identityKey, path, report),
      createdAtMs: 0,
    });
  }
  return planned;
}

function checkIdentityKey(method: Method, identityKey: string | undefined, path: string, report: Report): string {
  if (identityKey === undefined) return "";
  if (!method.identityHeaders) {
    report(`${path}.identityKey`, `${method.name} has no identity headers`);
    return "";
  }
  const checked = checkSecret(method, identityKey);
  if (!checked.ok) report(`${path}.identityKey`, checked.reason);
  return checked.ok ? checked.value : "";
}

function planKeys(
  { keys }: DeclaredInput,
  ports: ReadonlyMap<number, PortRecord>,
  methods: ReadonlyMap<number, Method>,
  report: Report,
): Map<string, KeyRecord> {
  const planned = new Map<string, KeyRecord>();
  const secretsOf = new Map<number, Map<string, string>>();
  for (const [index, key] of keys.entries()) {
    const path = `keys[${index}]`;
    if (planned.has(key.id)) report(`${path}.id`, `key id "${key.id}" is declared twice`);
    const port = ports.get(key.port);
    const method = methods.get(key.port);
    if (!port || !method) {
      report(`${path}.port`, `port ${key.port} is not among the declared ports`);
      continue;
    }
    const secret = checkSecret(method, key.secret);
    if (!secret.ok) {
      report(`${path}.secret`, secret.reason);
      continue;
    }
    const others = secretsOf.get(key.port) ?? new Map<string, string>();
    secretsOf.set(key.port, others);
    const same = others.get(secret.value);
    if (same !== undefined) report(`${path}.secret`, `is the same as that of key "${same}": they could not be told apart`);
    const single = singleKeyReason(port);
    if (single !== undefined && others.size > 0) report(path, single);
    others.set(secret.value, key.id);
    if (key.startTime !== undefined && key.expireTime !== undefined && key.expireTime <= key.startTime)
      report(`${path}.expireTime`, "must be after startTime");
    for (const list of ["allow", "deny"] as const) {
      for (const reason of targetListProblems(key.targets?.[list] ?? [], list)) report(`${path}.targets.${list}`, reason);
    }
    checkDeclaredLimits(key, path, report);
    planned.set(key.id, keyRecord(key, secret.value));
  }
  return planned;
}

function checkDeclaredLimits({ limits }: DeclaredInput["keys"][number], path: string, report: Report): void {
  if (!limits) return;
  const misplaced = misplacedCalendarField(limits);
  if (misplaced) report(`${path}.limits.quota.${misplaced}`, "goes with a quota by the hour, day, week or month alone");
  checkLimits(keyLimitsOf(limits) ?? {}, (field, reason) => report(`${path}.limits.${DECLARED_LIMIT_PATHS[field]}`, reason));
}

function keyRecord(key: DeclaredInput["keys"][number], secret: string): KeyRecord {
  const limits = key.limits && keyLimitsOf(key.limits);
  return {
    id: key.id,
    displayName: key.name ?? key.id,
    port: key.port,
    secret,
    previousSecret: undefined,
    disabled: key.disabled,
    disabledReason: key.disabledReason,
    ...(key.targets && { allowTargets: key.targets.allow, denyTargets: key.targets.deny }),
    ...(limits && { limits }),
    startsAtMs: key.startTime,
    expiresAtMs: key.expireTime,
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

function planUpstreams({ upstreams }: DeclaredInput, allowInsecure: boolean, report: Report): Map<string, UpstreamRecord> {
  const planned = new Map<string, UpstreamRecord>();
  for (const [index, { id: givenId, host, udpHost, port, method: name, secret, name: displayName }] of upstreams.entries()) {
    const path = `upstreams[${index}]`;
    const address = addressFrom(host, port);
    if (!address) report(`${path}.host`, "is not a host name or IP address");
    const udpAddress = udpHost === undefined ? undefined : addressFrom(udpHost, port);
    if (udpHost !== undefined && !udpAddress) report(`${path}.udpHost`, "is not a host name or IP address");
    const id = givenId ?? upstreamIdOf(host, port);
    if (planned.has(id)) report(`${path}.id`, `upstream id "${id}" is declared twice`);
    const method = checkMethod(name, allowInsecure);
    if (!method.ok) {
      report(`${path}.method`, method.reason);
      continue;
    }
    const derived = deriveCredential(method.value.name, secret);
    if (!derived.ok) report(`${path}.secret`, derived.reason);
    planned.set(id, {
      id,
      host: address?.host ?? host,
      ...(udpAddress && { udpHost: udpAddress.host }),
      port,
      method: method.value.name,
      secret,
      displayName,
      order: index,
    });
  }
  return planned;
}

/** `host:port`, brackets around an IPv6 address. */
export function upstreamIdOf(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function versioned<Id, T>(records: ReadonlyMap<Id, T>): Map<Id, Versioned<T>> {
  return new Map([...records].map(([id, record]) => [id, { record, version: Number.parseInt(digestOf(record), 16) }]));
}

/** 48 bits in hexadecimal: exact as a number. */
function digestOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 12);
}
