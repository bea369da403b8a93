import type { AccessUri, PluginSpec } from "./access-uri.ts";
import { addressFrom } from "./address.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Fields beyond the standard's, snake_case, kept as they came. */
export type CustomFields = Readonly<Record<string, JsonValue>>;

/** One server of an online configuration; what it shares with an access URI means the same there. */
export interface OnlineServer extends Omit<AccessUri, "tag"> {
  /** Lower-case UUID. Clients keep what they know of a server under it, so it outlives every other change. */
  readonly id: string;
  /** The name people see; may be empty. */
  readonly remarks: string;
  readonly custom?: CustomFields;
}

/** A SIP008 document, version 1. */
export interface OnlineConfig {
  readonly servers: readonly OnlineServer[];
  readonly bytesUsed?: number;
  /** Only with `bytesUsed`, and only where a limit is in force. */
  readonly bytesRemaining?: number;
  readonly custom?: CustomFields;
}

/** One thing wrong with a document. The reason never quotes a value. */
export interface OnlineConfigProblem {
  /** `servers[2].server_port`; empty for the document as a whole. */
  readonly path: string;
  readonly reason: string;
}

export type OnlineConfigResult =
  | { readonly ok: true; readonly config: OnlineConfig }
  | { readonly ok: false; readonly problems: readonly OnlineConfigProblem[] };

type JsonObject = { readonly [key: string]: JsonValue };
/** Notes a problem; its result stands in for the value that could not be read. */
type Report = (path: string, reason: string) => undefined;

const ROOT_FIELDS = new Set(["version", "servers", "bytes_used", "bytes_remaining"]);
const SERVER_FIELDS = new Set(["id", "remarks", "server", "server_port", "password", "method", "plugin", "plugin_opts"]);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Reads a SIP008 document and reports everything that is wrong with it at once. `remarks` may be missing; the rest is as strict as the text. */
export function parseOnlineConfig(text: string): OnlineConfigResult {
  const problems: OnlineConfigProblem[] = [];
  const report: Report = (path, reason) => void problems.push({ path, reason });
  const config = readDocument(parseJson(text), report);
  return config && problems.length === 0 ? { ok: true, config } : { ok: false, problems };
}

/** The engine's syntax errors quote the text around them, which may be a password: none of them leaves here. */
function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text.replace(/^\ufeff/, "")) as JsonValue;
  } catch {
    return undefined;
  }
}

function readDocument(root: JsonValue | undefined, report: Report): OnlineConfig | undefined {
  if (root === undefined) return report("", "is not JSON");
  if (!isObject(root)) return report("", "must be an object");
  if (root.version !== 1) report("version", "must be 1");
  const servers = readServers(root.servers, report);
  const bytesUsed = readByteCount(root, "bytes_used", report);
  const bytesRemaining = readByteCount(root, "bytes_remaining", report);
  if (bytesRemaining !== undefined && root.bytes_used === undefined) report("bytes_remaining", "must not stand without bytes_used");
  const custom = readCustom(root, ROOT_FIELDS);
  return {
    servers,
    ...(bytesUsed !== undefined && { bytesUsed }),
    ...(bytesRemaining !== undefined && { bytesRemaining }),
    ...(custom && { custom }),
  };
}

function readServers(value: JsonValue | undefined, report: Report): OnlineServer[] {
  if (!Array.isArray(value)) {
    report("servers", "must be an array");
    return [];
  }
  const ids = new Map<string, string>();
  const servers: OnlineServer[] = [];
  for (const [index, element] of (value as readonly JsonValue[]).entries()) {
    const path = `servers[${index}]`;
    const server = isObject(element) ? readServer(element, path, ids, report) : report(path, "must be an object");
    if (server) servers.push(server);
  }
  return servers;
}

/** `ids`: those of the servers before this one, with their paths. */
function readServer(object: JsonObject, path: string, ids: Map<string, string>, report: Report): OnlineServer | undefined {
  const text = (field: string): string | undefined => {
    const value = object[field];
    return typeof value === "string" && value !== "" ? value : report(`${path}.${field}`, "must be a string that is not empty");
  };
  const id = readId(text("id"), path, ids, report);
  const remarks = readOptionalText(object, "remarks", path, report);
  const server = text("server");
  const port = readPort(object.server_port, path, report);
  const password = text("password");
  const method = text("method");
  const plugin = readPlugin(object, path, report);
  const address =
    server === undefined ? undefined : (addressFrom(server, 1) ?? report(`${path}.server`, "is not a host name or IP address"));
  if (id === undefined || address === undefined || port === undefined || password === undefined || method === undefined) return undefined;
  const custom = readCustom(object, SERVER_FIELDS);
  return { id, remarks, host: address.host, port, password, method, ...(plugin && { plugin }), ...(custom && { custom }) };
}

function readId(text: string | undefined, path: string, ids: Map<string, string>, report: Report): string | undefined {
  if (text === undefined) return undefined;
  const id = text.toLowerCase();
  if (!UUID.test(id)) return report(`${path}.id`, "must be a UUID");
  const holder = ids.get(id);
  if (holder !== undefined) return report(`${path}.id`, `is the id of ${holder} too`);
  ids.set(id, path);
  return id;
}

function readPort(value: JsonValue | undefined, path: string, report: Report): number | undefined {
  const isPort = typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 0xffff;
  return isPort ? value : report(`${path}.server_port`, "must be an integer from 1 to 65535");
}

/** SIP008: without a plugin both fields are "empty or excluded"; null is read as excluded. */
function readPlugin(object: JsonObject, path: string, report: Report): PluginSpec | undefined {
  const name = readOptionalText(object, "plugin", path, report);
  const opts = readOptionalText(object, "plugin_opts", path, report);
  if (name === "" && opts !== "") return report(`${path}.plugin_opts`, "must not stand without plugin");
  return name === "" ? undefined : { name, opts };
}

function readOptionalText(object: JsonObject, field: string, path: string, report: Report): string {
  const value = object[field] ?? "";
  if (typeof value === "string") return value;
  report(`${path}.${field}`, "must be a string");
  return "";
}

function readByteCount(object: JsonObject, field: string, report: Report): number | undefined {
  const value = object[field];
  if (value === undefined) return undefined;
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : report(field, "must be a whole number of bytes");
}

function readCustom(object: JsonObject, standard: ReadonlySet<string>): CustomFields | undefined {
  const custom = Object.entries(object).filter(([field]) => !standard.has(field));
  return custom.length === 0 ? undefined : Object.fromEntries(custom);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The canonical document: standard fields in the standard's order, then custom ones by name, two spaces of indent. `parseOnlineConfig`
 * reads it back unchanged. Throws a TypeError, which quotes no value, for what the standard does not allow.
 */
export function formatOnlineConfig(config: OnlineConfig): string {
  const document = {
    version: 1,
    servers: config.servers.map(serverDocument),
    bytes_used: config.bytesUsed,
    bytes_remaining: config.bytesRemaining,
    ...sortedCustom(config.custom, ROOT_FIELDS),
  };
  const text = JSON.stringify(document, null, 2);
  const check = parseOnlineConfig(text);
  if (!check.ok) throw new TypeError(check.problems.map(({ path, reason }) => `${path} ${reason}`).join("; "));
  return text;
}

function serverDocument(server: OnlineServer): Record<string, unknown> {
  return {
    id: server.id.toLowerCase(),
    remarks: server.remarks,
    server: addressFrom(server.host, server.port)?.host ?? server.host,
    server_port: server.port,
    password: server.password,
    method: server.method,
    plugin: server.plugin?.name,
    plugin_opts: server.plugin?.opts || undefined,
    ...sortedCustom(server.custom, SERVER_FIELDS),
  };
}

function sortedCustom(custom: CustomFields = {}, standard: ReadonlySet<string>): CustomFields {
  const entries = Object.entries(custom).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.some(([field]) => standard.has(field))) throw new TypeError("a custom field has the name of a standard one");
  return Object.fromEntries(entries);
}
