import type { ConfigProblem } from "@shadowfleet/runtime";
import type { PortDraft } from "./port-plan.ts";
import { relaySettingsSchema } from "./relay-schema.ts";

/** A file in the ancestor's format, taken apart. */
export interface ClassicConfig {
  readonly drafts: readonly PortDraft[];
  /** What is left for `relaySettingsSchema`: our own settings in the same file, and what the ancestor's map to. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Any of these at the top level, without `ports`, and the file is the ancestor's. */
const TELLING_KEYS = ["server_port", "port_password", "password", "local_port"];
const OWN_KEYS = new Set(["server", "server_port", "port_password", "password", "method", "timeout", "auth"]);
const DEFAULT_METHOD = "aes-256-cfb";
const MAX_PORT = 0xffff;
const MAX_TIMEOUT_S = 2_147_483;

export function isClassic(data: unknown): data is Fields {
  return isFields(data) && !("ports" in data) && TELLING_KEYS.some((key) => key in data);
}

/**
 * Reads the ancestor's config.json as its server did: `port_password` before `server_port` and `password`, method aes-256-cfb unless said,
 * `timeout` in seconds (honoured here), unknown keys ignored. `server` is the address to bind.
 */
export function readClassic(data: Fields): ClassicConfig {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const report = (path: string, reason: string) => void problems.push({ path, reason });
  const settings: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (key in relaySettingsSchema.shape) settings[key] = value;
    else if (!OWN_KEYS.has(key)) ignored.push(key);
  }
  if (ignored.length > 0) warnings.push(`ignored in this file format: ${ignored.join(", ")}`);
  if (data.auth === true)
    report("auth", "one-time auth was removed as insecure; AEAD methods such as chacha20-ietf-poly1305 authenticate everything");
  const idleSeconds = timeoutOf(data.timeout, report);
  if (idleSeconds !== undefined) settings.timeouts = withIdle(settings.timeouts, idleSeconds);
  const host = hostOf(data.server, report, warnings);
  const method = textOf(data.method, "method", report) ?? DEFAULT_METHOD;
  const passwords = passwordsOf(data, report, warnings);
  return { drafts: passwords.map((entry) => draftOf(entry, host, method)), settings, problems, warnings };
}

type Report = (path: string, reason: string) => void;

interface PortPassword {
  readonly path: string;
  readonly portPath: string;
  readonly port: number;
  readonly password: string;
}

function draftOf({ path, portPath, port, password }: PortPassword, host: string, method: string): PortDraft {
  const id = String(port);
  return {
    path,
    portPath,
    methodPath: "method",
    host,
    port,
    method,
    identityKey: undefined,
    keys: [{ path, id, name: id, secret: password }],
  };
}

function passwordsOf(data: Fields, report: Report, warnings: string[]): readonly PortPassword[] {
  const many = data.port_password;
  if (many !== undefined && many !== null && !isFields(many)) {
    report("port_password", 'must be an object such as {"8381": "password"}');
    return [];
  }
  if (!many || Object.keys(many).length === 0) return singlePassword(data, report);
  if (data.server_port !== undefined || data.password !== undefined) {
    warnings.push("server_port and password are ignored, because port_password is given");
  }
  return Object.entries(many).flatMap(([digits, secret], index) => {
    // What is no number may be a password in the port's place, so it is not quoted.
    const path = /^\d{1,6}$/.test(digits) ? `port_password.${digits}` : `port_password (entry ${index + 1})`;
    const port = portOf(digits);
    const password = textOf(secret, path, report);
    if (port === undefined) report(path, "is not a port number from 0 to 65535");
    else if (password === undefined) report(path, "must be a password");
    return port === undefined || password === undefined ? [] : [{ path, portPath: path, port, password }];
  });
}

function singlePassword(data: Fields, report: Report): readonly PortPassword[] {
  const port = portOf(data.server_port);
  const password = textOf(data.password, "password", report);
  if (port === undefined) report("server_port", "must be the port number to listen on, or give port_password");
  if (password === undefined) report("password", "must be the password, or give port_password");
  return port === undefined || password === undefined ? [] : [{ path: "password", portPath: "server_port", port, password }];
}

/** The first of several addresses, without a port; every interface when there is none. */
function hostOf(server: unknown, report: Report, warnings: string[]): string {
  if (Array.isArray(server) && server.length > 1) warnings.push("server has several entries; the first is the address to bind");
  const text = textOf(Array.isArray(server) ? server[0] : server, "server", report);
  if (text === undefined) return "::";
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+):\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? text;
  if (host !== text) warnings.push("the port in server is ignored; server_port or port_password say where to listen");
  return host;
}

function timeoutOf(timeout: unknown, report: Report): number | undefined {
  if (timeout === undefined || timeout === null) return undefined;
  if (typeof timeout === "number" && timeout >= 0 && timeout <= MAX_TIMEOUT_S) return timeout;
  report("timeout", `must be a number of seconds from 0 (never) to ${MAX_TIMEOUT_S}`);
  return undefined;
}

function withIdle(timeouts: unknown, idleSeconds: number): unknown {
  const idle = `${Math.round(idleSeconds * 1000)}ms`;
  if (timeouts === undefined) return { idle };
  return isFields(timeouts) ? { idle, ...timeouts } : timeouts;
}

function textOf(value: unknown, path: string, report: Report): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  report(path, "must be a string; put it in quotes");
  return undefined;
}

function portOf(value: unknown): number | undefined {
  const port = typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= MAX_PORT ? port : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
