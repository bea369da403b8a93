import type { ConfigProblem } from "@shadowfleet/runtime";
import { deriveCredential, explainUnavailable, findMethod, type Method } from "@shadowfleet/wire";
import type { KeyConfig, PortConfig } from "./relay-config.ts";
import { compileTargets, type TargetLists } from "./target-guard.ts";

/** One key as a file has it, and where. */
export interface KeyDraft {
  readonly path: string;
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly targets?: TargetLists | undefined;
}

/** One port as a file has it, whichever its format. Paths are for messages. */
export interface PortDraft {
  readonly path: string;
  readonly portPath: string;
  readonly methodPath: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly identityKey: string | undefined;
  readonly keys: readonly KeyDraft[];
}

export interface PortPlanOptions {
  readonly allowInsecureCiphers: boolean;
  /** What to do instead, in the words of the file's format: ends the sentence that refuses a stream cipher. */
  readonly insecureAdvice: string;
}

export interface PortPlan {
  readonly ports: readonly PortConfig[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** Above this, an unknown connection to a SIP004 port costs the relay more than a few milliseconds of trial decryption. */
const MANY_TRIAL_KEYS = 200;

/**
 * Ports with their secrets derived, or every reason why not: unknown methods, stream ciphers without leave, duplicate ports and ids, secrets
 * of the wrong length or shared by keys that must be told apart, many keys where a method cannot have them.
 */
export function planPorts(drafts: readonly PortDraft[], options: PortPlanOptions): PortPlan {
  const problems = new Map<string, ConfigProblem>();
  const report = (path: string, reason: string) => void problems.set(`${path}: ${reason}`, { path, reason });
  checkUnique(drafts, report);
  const warnings: string[] = [];
  const ports: PortConfig[] = [];
  for (const draft of drafts) {
    const method = methodOf(draft, options, report);
    if (!method) continue;
    ports.push(planPort(draft, method, report));
    warnings.push(...warningsAbout(draft, method));
  }
  return { ports, problems: [...problems.values()], warnings };
}

type Report = (path: string, reason: string) => void;

function checkUnique(drafts: readonly PortDraft[], report: Report): void {
  const ports = new Map<number, string>();
  const ids = new Map<string, string>();
  for (const draft of drafts) {
    const other = ports.get(draft.port);
    if (other) report(draft.portPath, `port ${draft.port} is already configured at ${other}`);
    else ports.set(draft.port, draft.path);
    for (const key of draft.keys) {
      const sameId = ids.get(key.id);
      if (sameId) report(key.path, `key id "${key.id}" is already used at ${sameId}`);
      else ids.set(key.id, key.path);
    }
  }
}

function methodOf(draft: PortDraft, options: PortPlanOptions, report: Report): Method | undefined {
  const method = findMethod(draft.method);
  if (!method) {
    report(draft.methodPath, explainUnavailable(draft.method) ?? "unknown method");
  } else if (method.kind === "stream" && !options.allowInsecureCiphers) {
    report(
      draft.methodPath,
      `${method.name} encrypts without authentication, so that anyone on the way can tamper; ${options.insecureAdvice}`,
    );
  }
  return method;
}

function planPort(draft: PortDraft, method: Method, report: Report): PortConfig {
  const { path, host, port } = draft;
  const identityKey = identityKeyOf(draft, method, report);
  if (draft.keys.length > 1 && method.kind === "stream") {
    report(path, `${method.name} cannot have several keys on one port: without authentication nothing tells which key is right`);
  }
  if (draft.keys.length > 1 && method.kind === "aead-2022" && draft.identityKey === undefined) {
    report(
      path,
      method.identityHeaders
        ? `several keys on one port need the port's own identityKey with ${method.name}`
        : `${method.name} has no identity headers, hence one key a port; use 2022-blake3-aes-256-gcm for several`,
    );
  }
  return { host, port, keys: planKeys(draft, method, report), identityKey };
}

function identityKeyOf(draft: PortDraft, method: Method, report: Report): Buffer | undefined {
  if (draft.identityKey === undefined) return undefined;
  const path = `${draft.path}.identityKey`;
  if (!method.identityHeaders) {
    report(path, `${method.name} has no identity headers; only 2022-blake3-aes-128-gcm and 2022-blake3-aes-256-gcm do`);
    return undefined;
  }
  const derived = deriveCredential(method.name, draft.identityKey);
  if (!derived.ok) {
    report(path, derived.reason);
    return undefined;
  }
  if (derived.credential.identityKeys.length > 0) report(path, "must be one pre-shared key, not a chain");
  return derived.credential.key;
}

function planKeys(draft: PortDraft, method: Method, report: Report): readonly KeyConfig[] {
  const keys: KeyConfig[] = [];
  const bySecret = new Map<string, KeyDraft>();
  for (const key of draft.keys) {
    const derived = deriveCredential(method.name, key.secret);
    if (!derived.ok) {
      report(key.path, derived.reason);
      continue;
    }
    const { credential } = derived;
    if (credential.identityKeys.length > 0)
      report(key.path, "must be this key's own pre-shared key alone; the port's goes into identityKey");
    const fingerprint = credential.key.toString("base64");
    const same = bySecret.get(fingerprint);
    if (same && same.id !== key.id) report(key.path, `has the same secret as key "${same.id}": they could not be told apart`);
    bySecret.set(fingerprint, key);
    keys.push({ id: key.id, name: key.name, credential, ...(key.targets && { targets: compileTargets(key.targets) }) });
  }
  return keys;
}

function warningsAbout({ port, keys }: PortDraft, method: Method): string[] {
  if (method.kind === "stream") {
    return [`port ${port} uses ${method.name}, which anyone on the way can tamper with and detect; move to chacha20-ietf-poly1305`];
  }
  if (method.kind === "aead" && keys.length > MANY_TRIAL_KEYS) {
    return [`port ${port} has ${keys.length} keys to try on every unknown connection; 2022-blake3-aes-256-gcm finds a key in one step`];
  }
  return [];
}
