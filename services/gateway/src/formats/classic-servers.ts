import type { ConfigProblem } from "@shadowfleet/runtime";
import type { PluginSpec } from "@shadowfleet/wire";
import type { Fields } from "./parsed-file.ts";
import type { UpstreamDraft } from "./upstream-plan.ts";

const DEFAULT_METHOD = "aes-256-cfb";
const MAX_PORT = 0xffff;

type Report = (path: string, reason: string) => void;

/**
 * The servers of the ancestor's local program, in order: `server_password` if there is one, else `server`, `server_port` and `password`. An
 * entry without a method of its own falls back to `method`, then aes-256-cfb.
 */
export function readClassicServers(data: Fields, problems: ConfigProblem[], warnings: string[]): UpstreamDraft[] {
  const report: Report = (path, reason) => void problems.push({ path, reason });
  const plugin = readPlugin(data, report);
  const drafts = readServers(data, report, warnings);
  return plugin ? drafts.map((draft) => ({ ...draft, plugin, pluginPath: "plugin" })) : drafts;
}

/** As in shadowsocks-libev: one for all servers of the file. */
function readPlugin(data: Fields, report: Report): PluginSpec | undefined {
  const name = textOf(data.plugin, "plugin", report);
  const opts = textOf(data.plugin_opts, "plugin_opts", report) ?? "";
  return name === undefined ? undefined : { name, opts };
}

function readServers(data: Fields, report: Report, warnings: string[]): UpstreamDraft[] {
  const method = textOf(data.method, "method", report) ?? DEFAULT_METHOD;
  const { server_password: many } = data;
  if (many !== undefined && many !== null && !Array.isArray(many)) {
    report("server_password", 'must be a list such as [["host:port", "password"], ["host:port", "password", "method"]]');
    return [];
  }
  if (!many || many.length === 0) return singlePassword(data, method, report, warnings);
  const unused = ["server", "server_port", "password"].filter((key) => data[key] !== undefined);
  if (unused.length > 0) warnings.push(`${unused.join(", ")} ignored, because server_password is given`);
  return many.flatMap((entry: unknown, index) => serverPassword(entry, `server_password[${index}]`, method, report) ?? []);
}

function serverPassword(entry: unknown, path: string, method: string, report: Report): UpstreamDraft | undefined {
  if (!Array.isArray(entry) || entry.length < 2 || entry.length > 3) {
    report(path, 'must be ["host:port", "password"] or ["host:port", "password", "method"]');
    return undefined;
  }
  const server = textOf(entry[0], `${path}[0]`, report);
  const place = server === undefined ? undefined : splitHostPort(server);
  const port = place?.port;
  if (port === undefined) report(`${path}[0]`, 'must be "host:port", an IPv6 address in brackets: "[::1]:8389"');
  const secret = textOf(entry[1], `${path}[1]`, report, "must be a password");
  const own = textOf(entry[2], `${path}[2]`, report);
  if (place === undefined || port === undefined || secret === undefined) return undefined;
  const paths = { path, hostPath: `${path}[0]`, methodPath: own === undefined ? "method" : `${path}[2]`, secretPath: `${path}[1]` };
  return { id: undefined, host: place.host, udpHost: undefined, port, method: own ?? method, secret, tag: undefined, ...paths };
}

function singlePassword(data: Fields, method: string, report: Report, warnings: string[]): UpstreamDraft[] {
  const { server } = data;
  const servers: readonly unknown[] = Array.isArray(server) ? server : [server];
  const pathOf = (index: number) => (Array.isArray(server) ? `server[${index}]` : "server");
  const places = servers.map((entry, index) => serverPlace(entry, pathOf(index), report));
  const secret = textOf(data.password, "password", report, "must be the password, or give server_password");
  const withPort = places.flatMap((place) => (place?.port === undefined ? [] : [place.text]));
  const common = portOf(data.server_port);
  if (common === undefined && (data.server_port !== undefined || places.some((place) => place && place.port === undefined))) {
    report("server_port", "must be the server's port number from 1 to 65535");
  }
  if (common !== undefined && withPort.length > 0) warnings.push(`server_port is ignored for ${withPort.join(", ")}`);
  return places.flatMap((place, index) => {
    const port = place?.port ?? common;
    if (!place || port === undefined || secret === undefined) return [];
    const paths = { path: pathOf(index), hostPath: pathOf(index), methodPath: "method", secretPath: "password" };
    return [{ id: undefined, host: place.host, udpHost: undefined, port, method, secret, tag: undefined, ...paths }];
  });
}

interface Place {
  readonly text: string;
  readonly host: string;
  /** Undefined: `server_port`. */
  readonly port: number | undefined;
}

function serverPlace(entry: unknown, path: string, report: Report): Place | undefined {
  const text = textOf(entry, path, report, "must be a host, or give server_password");
  const place = text === undefined ? undefined : splitHostPort(text);
  if (text !== undefined && !place) report(path, "its port is not a number from 1 to 65535");
  return place && text !== undefined ? { text, ...place } : undefined;
}

/** "host", "host:port", "[v6]", "[v6]:port" or a bare IPv6 address. Undefined when there is a port but it is no port number. */
function splitHostPort(text: string): Omit<Place, "text"> | undefined {
  const colon = text.lastIndexOf(":");
  const bareIpv6 = !text.startsWith("[") && text.indexOf(":") !== colon;
  const hasPort = !bareIpv6 && colon > text.lastIndexOf("]");
  const host = (hasPort ? text.slice(0, colon) : text).replace(/^\[(.*)\]$/, "$1");
  const port = hasPort ? portOf(text.slice(colon + 1)) : undefined;
  return hasPort && port === undefined ? undefined : { host, port };
}

function portOf(value: unknown): number | undefined {
  const port = typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= MAX_PORT ? port : undefined;
}

/** Null and empty strings count as absent, as they do in the ancestor; `missing` says what is wrong with that, if anything is. */
function textOf(value: unknown, path: string, report: Report, missing?: string): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  const absent = value === undefined || value === null || value === "";
  if (!absent) report(path, "must be a string; put it in quotes");
  else if (missing !== undefined) report(path, missing);
  return undefined;
}
