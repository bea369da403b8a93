import { type ConfigProblem, isPassable } from "@shadowfleet/runtime";
import { addressFrom, deriveCredential, explainUnavailable, findMethod, type PluginSpec } from "@shadowfleet/wire";
import type { Upstream, UpstreamPlugin } from "../upstream/upstream.ts";

/** An upstream as some file names it, before anything is looked up. The paths say where each part stands, for problems. */
export interface UpstreamDraft {
  /** Undefined: `host:port`. */
  readonly id: string | undefined;
  readonly host: string;
  /** Undefined: the same host. */
  readonly udpHost: string | undefined;
  readonly port: number;
  readonly method: string;
  readonly secret: string;
  readonly tag: string | undefined;
  readonly plugin?: PluginSpec | undefined;
  readonly path: string;
  readonly hostPath: string;
  readonly udpHostPath?: string;
  readonly methodPath: string;
  readonly secretPath: string;
  readonly pluginPath?: string;
}

export interface UpstreamPlanOptions {
  readonly allowInsecureCiphers: boolean;
  /** Programs that may be started as SIP003 plugins, by the name that upstreams give them. */
  readonly plugins: ReadonlyMap<string, string>;
}

export interface UpstreamPlan {
  readonly upstreams: readonly Upstream[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

const ADVICE = "or, better, move both sides to chacha20-ietf-poly1305 or 2022-blake3-aes-256-gcm";

/** Turns drafts into upstreams with their keys derived; what cannot be is a problem each. Order is kept. */
export function planUpstreams(drafts: readonly UpstreamDraft[], options: UpstreamPlanOptions): UpstreamPlan {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const upstreams: Upstream[] = [];
  const taken = new Set<string>();
  for (const { id, path } of drafts) {
    if (id === undefined) continue;
    if (taken.has(id)) problems.push({ path: `${path}.id`, reason: `another upstream has the id "${id}"` });
    taken.add(id);
  }
  for (const draft of drafts) {
    const id = draft.id ?? freeId(draft, taken);
    const upstream = toUpstream(draft, id, options, problems);
    if (!upstream) continue;
    upstreams.push(upstream);
    const { method } = upstream.credential;
    if (method.kind === "stream") warnings.push(`upstream ${id} uses ${method.name}, which anyone on the way can tamper with`);
  }
  return { upstreams, problems, warnings };
}

/** `host:port`, numbered when a file names the same server again: the ancestor allows that, and failCnt goes by id. */
function freeId(draft: UpstreamDraft, taken: Set<string>): string {
  const bare = draft.host.includes(":") ? `[${draft.host}]:${draft.port}` : `${draft.host}:${draft.port}`;
  let id = bare;
  for (let n = 2; taken.has(id); n++) id = `${bare}#${n}`;
  taken.add(id);
  return id;
}

function toUpstream(draft: UpstreamDraft, id: string, options: UpstreamPlanOptions, problems: ConfigProblem[]): Upstream | undefined {
  const report = (path: string, reason: string) => {
    // Many servers may share one method or password, and what is wrong with it is said once.
    if (!problems.some((problem) => problem.path === path && problem.reason === reason)) problems.push({ path, reason });
  };
  const address = addressFrom(draft.host, draft.port);
  if (!address) report(draft.hostPath, "is not a host name or IP address");
  const udpAddress = draft.udpHost === undefined ? address : addressFrom(draft.udpHost, draft.port);
  if (address && !udpAddress) report(draft.udpHostPath ?? draft.path, "is not a host name or IP address");
  const method = findMethod(draft.method);
  if (!method) report(draft.methodPath, explainUnavailable(draft.method) ?? "is not available");
  else if (method.kind === "stream" && !options.allowInsecureCiphers) {
    report(
      draft.methodPath,
      `${method.name} does not authenticate what it carries: set allowInsecureCiphers: true to use it all the same, ${ADVICE}`,
    );
  }
  const derived = method && deriveCredential(method.name, draft.secret);
  if (derived && !derived.ok) report(draft.secretPath, derived.reason);
  const plugin = toPlugin(draft, options.plugins);
  if (plugin === "refused") {
    report(
      draft.pluginPath ?? draft.path,
      "names a SIP003 plugin that is not in plugins, which says what the gateway may start (or has a zero character in its options)",
    );
  }
  if (!address || !udpAddress || !derived?.ok) return undefined;
  if (plugin === "refused") return undefined;
  const { credential } = derived;
  const { port, tag } = draft;
  return { id, host: address.host, udpHost: udpAddress.host, port, credential, tag, ...(plugin ? { plugin } : {}) };
}

function toPlugin({ plugin }: UpstreamDraft, allowed: ReadonlyMap<string, string>): UpstreamPlugin | "refused" | undefined {
  if (!plugin) return undefined;
  const program = allowed.get(plugin.name);
  if (program === undefined || !isPassable(plugin.opts)) return "refused";
  return { program, pluginOptions: plugin.opts };
}
