import { type ConfigProblem, type ConfigSource, parseWith, pluginOptions, portNumber } from "@shadowfleet/runtime";
import { type AccessUri, parseAccessUri } from "@shadowfleet/wire";
import { z } from "zod";
import { collectProblems, type ParsedFile } from "./parsed-file.ts";
import { gatewayFileSchema } from "./settings-schema.ts";
import type { UpstreamDraft } from "./upstream-plan.ts";

const upstreamSchema = z.strictObject({
  /** Default: `host:port`. Names the upstream in logs, metrics and failCnt. */
  id: z.string().min(1).max(128).optional(),
  /** An `ss://` URI, instead of the four below. */
  uri: z.string().min(1).optional(),
  host: z.string().min(1).optional(),
  /** Where UDP goes, when that is another host. */
  udpHost: z.string().min(1).optional(),
  port: portNumber().optional(),
  method: z.string().min(1).optional(),
  secret: z.string().min(1).optional(),
  tag: z.string().optional(),
  /** SIP003: one of the names in `plugins`. */
  plugin: z.string().min(1).optional(),
  pluginOptions: pluginOptions().optional(),
});

type UpstreamEntry = z.output<typeof upstreamSchema>;
const PARTS = ["host", "port", "method", "secret"] as const;
const SAID_BY_URI = [...PARTS, "plugin", "pluginOptions"] as const;

/** Reads the gateway's own format; unknown keys are problems. */
export function readOwnFile({ name, data }: ConfigSource): ParsedFile {
  const problems: ConfigProblem[] = [];
  const file = collectProblems(problems, () => parseWith(gatewayFileSchema, data, name));
  const drafts = entriesOf(data).flatMap((entry, index) => readEntry(entry, `upstreams[${index}]`, name, problems) ?? []);
  if (file?.fleet && file.upstreams.length > 0) {
    problems.push({ path: "fleet", reason: "cannot be given with upstreams: a fleet's upstreams come from its management" });
  }
  return {
    dialect: "fleet",
    listen: file?.listen,
    settings: file,
    drafts,
    fleet: file?.fleet,
    workers: file?.workers ?? 1,
    problems,
    warnings: [],
  };
}

/** Asked of the raw data: the entries are worth checking even when another part of the file is refused. */
function entriesOf(data: unknown): readonly unknown[] {
  const entries = (data as { readonly upstreams?: unknown } | null)?.upstreams;
  return Array.isArray(entries) ? entries : [];
}

function readEntry(entry: unknown, path: string, name: string, problems: ConfigProblem[]): UpstreamDraft | undefined {
  if (typeof entry === "string") return fromUri(entry, {}, path, path, problems);
  if (typeof entry !== "object" || entry === null) {
    problems.push({ path, reason: "must be an ss:// URI or an object with host, port, method and secret" });
    return undefined;
  }
  const fields = collectProblems(problems, () => parseWith(upstreamSchema, entry, name), path);
  if (!fields) return undefined;
  return fields.uri === undefined ? fromParts(fields, path, problems) : fromUriEntry(fields.uri, fields, path, problems);
}

function fromUriEntry(uri: string, fields: UpstreamEntry, path: string, problems: ConfigProblem[]): UpstreamDraft | undefined {
  const doubled = SAID_BY_URI.filter((part) => fields[part] !== undefined);
  for (const part of doubled) problems.push({ path: `${path}.${part}`, reason: "the URI says it already" });
  return doubled.length > 0 ? undefined : fromUri(uri, fields, path, `${path}.uri`, problems);
}

function fromUri(
  text: string,
  { id, tag, udpHost }: Pick<UpstreamEntry, "id" | "tag" | "udpHost">,
  path: string,
  uriPath: string,
  problems: ConfigProblem[],
): UpstreamDraft | undefined {
  const parsed = parseAccessUri(text);
  if (!parsed.ok) problems.push({ path: uriPath, reason: parsed.reason });
  if (!parsed.ok) return undefined;
  const { host, port, method, password: secret, plugin, tag: uriTag }: AccessUri = parsed.uri;
  const everywhere = { path, hostPath: uriPath, methodPath: uriPath, secretPath: uriPath, pluginPath: uriPath };
  return { id, host, udpHost, port, method, secret, plugin, tag: tag ?? uriTag, udpHostPath: `${path}.udpHost`, ...everywhere };
}

function fromParts(fields: UpstreamEntry, path: string, problems: ConfigProblem[]): UpstreamDraft | undefined {
  const { id, host, udpHost, port, method, secret, tag, plugin: name, pluginOptions: opts = "" } = fields;
  for (const part of PARTS)
    if (fields[part] === undefined) problems.push({ path: `${path}.${part}`, reason: "required, unless uri is given" });
  if (name === undefined && opts !== "") problems.push({ path: `${path}.pluginOptions`, reason: "is nothing without plugin" });
  if (host === undefined || port === undefined || method === undefined || secret === undefined) return undefined;
  const paths = {
    path,
    hostPath: `${path}.host`,
    udpHostPath: `${path}.udpHost`,
    methodPath: `${path}.method`,
    secretPath: `${path}.secret`,
    pluginPath: `${path}.plugin`,
  };
  const plugin = name === undefined ? undefined : { name, opts };
  return { id, host, udpHost, port, method, secret, tag, plugin, ...paths };
}
