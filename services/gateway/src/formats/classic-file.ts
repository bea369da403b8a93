import { type ConfigProblem, type ConfigSource, parseWith } from "@shadowfleet/runtime";
import { readClassicServers } from "./classic-servers.ts";
import { collectProblems, type Fields, isFields, type ParsedFile } from "./parsed-file.ts";
import { gatewaySettingsSchema } from "./settings-schema.ts";

/** Any of these at the top level, without a key that only our format has, and the file is the ancestor's. */
const TELLING_KEYS = ["local_port", "server_port", "server_password", "server", "password"];
const OWN_KEYS = ["listen", "upstreams"];
const CLASSIC_KEYS = new Set([...TELLING_KEYS, "local_address", "method", "timeout", "auth", "plugin", "plugin_opts"]);
const MAX_PORT = 0xffff;
/** The longest delay a Node timer keeps, in seconds. */
const MAX_TIMEOUT_S = 2_147_483;

export function isClassicFile(data: unknown): data is Fields {
  return isFields(data) && TELLING_KEYS.some((key) => key in data) && !OWN_KEYS.some((key) => key in data);
}

/**
 * Reads the config.json of the ancestor's local program: the same defaults and precedence, `timeout` in seconds honoured. Keys it does not
 * know are ignored with one warning, except our own settings, which may be added at the top level.
 */
export function readClassicFile({ name, data }: ConfigSource & { readonly data: Fields }): ParsedFile {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const added: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (key in gatewaySettingsSchema.shape) added[key] = value;
    else if (!CLASSIC_KEYS.has(key)) ignored.push(key);
  }
  if (ignored.length > 0) warnings.push(`ignored in this file format: ${ignored.join(", ")}`);
  if (data.auth === true) {
    problems.push({
      path: "auth",
      reason: "one-time auth was removed as insecure; AEAD methods such as chacha20-ietf-poly1305 authenticate everything",
    });
  }
  const listen = readListen(data, problems);
  const idleMs = readTimeout(data.timeout, problems);
  if (idleMs !== undefined) added.timeouts = withIdle(added.timeouts, idleMs);
  const settings = collectProblems(problems, () => parseWith(gatewaySettingsSchema, added, name));
  const drafts = readClassicServers(data, problems, warnings);
  return { dialect: "classic", listen, settings, drafts, fleet: undefined, workers: 1, problems, warnings };
}

/** An empty `local_address` is every interface, as `net.Listen(":1080")` was. */
function readListen(data: Fields, problems: ConfigProblem[]): ParsedFile["listen"] {
  const { local_address: address, local_port: port } = data;
  const isText = address === undefined || address === null || typeof address === "string";
  if (!isText) problems.push({ path: "local_address", reason: "must be an address to listen on, or empty for all" });
  const isPort = typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= MAX_PORT;
  if (!isPort) problems.push({ path: "local_port", reason: "must be the port number to listen on" });
  return isText && isPort ? { host: address || "::", port } : undefined;
}

function readTimeout(timeout: unknown, problems: ConfigProblem[]): number | undefined {
  if (timeout === undefined || timeout === null) return undefined;
  if (typeof timeout === "number" && timeout >= 0 && timeout <= MAX_TIMEOUT_S) return Math.round(timeout * 1000);
  problems.push({ path: "timeout", reason: `must be a number of seconds from 0 (never) to ${MAX_TIMEOUT_S}` });
  return undefined;
}

/** Our own `timeouts.idle`, added to the file on purpose, wins over `timeout`. */
function withIdle(timeouts: unknown, idleMs: number): unknown {
  const idle = `${idleMs}ms`;
  if (timeouts === undefined) return { idle };
  return isFields(timeouts) ? { idle, ...timeouts } : timeouts;
}
