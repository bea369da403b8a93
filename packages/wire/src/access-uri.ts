import { isUtf8 } from "node:buffer";
import { ATYP_IPV6, addressFrom } from "./address.ts";

/** A SIP003 plugin as a URI or configuration names it. */
export interface PluginSpec {
  readonly name: string;
  /** SIP003 options as they stand, `: ; = \` still escaped with a backslash; empty where there are none. */
  readonly opts: string;
}

/** What a SIP002 URI says. The method is not looked up: links to methods the fleet does not have still parse. */
export interface AccessUri {
  /** Not empty, without `:`. */
  readonly method: string;
  /** Not empty. For SIP022 base64 keys, outermost identity key first: `[iPSK:]…uPSK`. */
  readonly password: string;
  /** As `TargetAddress.host`: IPv6 without brackets. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  readonly plugin?: PluginSpec;
  /** The name people see. */
  readonly tag?: string;
}

/** Outcome of `parseAccessUri`: the reason is a sentence for people and never quotes any part of the URI. */
export type AccessUriResult = { readonly ok: true; readonly uri: AccessUri } | { readonly ok: false; readonly reason: string };

type Login = Pick<AccessUri, "method" | "password">;
type Endpoint = Pick<AccessUri, "host" | "port">;
/** A part of the URI, or why it is not one. */
type Part<T> = T | string;

const SCHEME = "ss://";
const DEFAULT_PORT = 8388;

/**
 * Reads a `ss://` URI of either form: SIP002 (`userinfo@host:port/?plugin=…#tag`, userinfo in base64 or percent-encoded) or the older
 * base64 of `method:password@host:port`. Tolerated: both base64 alphabets with or without (percent-encoded) padding, base64 even where
 * SIP022 forbids producing it, a plain userinfo, no port (8388), unknown query arguments, surrounding white space.
 */
export function parseAccessUri(text: string): AccessUriResult {
  const trimmed = text.trim();
  if (trimmed.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return refuse("an access URI begins with ss://");
  const [beforeTag, rawTag] = splitOnce(trimmed.slice(SCHEME.length), "#");
  const [authority, query] = splitOnce(beforeTag, "?");
  const at = authority.lastIndexOf("@");
  const server = at < 0 ? readWholeBase64(authority) : readServer(readUserinfo(authority.slice(0, at)), authority.slice(at + 1));
  if (typeof server === "string") return refuse(server);
  const plugin = readPlugin(query);
  if (typeof plugin === "string") return refuse(plugin);
  // A tag is a label: one with a stray % is worth more than a refusal.
  const tag = percentDecode(rawTag) ?? rawTag;
  return { ok: true, uri: { ...server, ...(plugin && { plugin }), ...(tag !== "" && { tag }) } };
}

function refuse(reason: string): AccessUriResult {
  return { ok: false, reason };
}

/** The form before SIP002: base64 over everything. A `/` behind it can be a path or, in the standard alphabet, the last digit. */
function readWholeBase64(authority: string): Part<Login & Endpoint> {
  const whole = readDecoded(decodeBase64(authority));
  return typeof whole === "string" && authority.endsWith("/") ? readDecoded(decodeBase64(authority.slice(0, -1))) : whole;
}

function readDecoded(text: string | undefined): Part<Login & Endpoint> {
  const at = text?.lastIndexOf("@") ?? -1;
  if (text === undefined || at < 0) return "there is no @host:port, and the URI is not base64 of method:password@host:port either";
  return readServer(readLogin(text.slice(0, at)), text.slice(at + 1));
}

function readServer(login: Part<Login>, hostPort: string): Part<Login & Endpoint> {
  if (typeof login === "string") return login;
  const endpoint = readEndpoint(hostPort);
  return typeof endpoint === "string" ? endpoint : { ...login, ...endpoint };
}

/** A raw `:` cannot be base64, so it marks a plain userinfo; its parts are decoded after the split, since a password may hold `%3A`. */
function readUserinfo(userinfo: string): Part<Login> {
  if (userinfo.includes(":")) {
    const [method, password] = splitOnce(userinfo, ":").map(percentDecode);
    return method === undefined || password === undefined ? "the user info has a broken percent escape" : checkLogin(method, password);
  }
  const decoded = percentDecode(userinfo);
  if (decoded?.includes(":")) return readLogin(decoded);
  const text = decodeBase64(userinfo);
  return text === undefined ? "the user info is neither method:password nor base64 of it" : readLogin(text);
}

function readLogin(text: string): Part<Login> {
  return checkLogin(...splitOnce(text, ":"));
}

function checkLogin(method: string, password: string): Part<Login> {
  if (method === "") return "the method is missing";
  // Only an escaped one gets here; written in base64, it would end the method.
  if (method.includes(":")) return "the method has a colon";
  return password === "" ? "the password is missing" : { method, password };
}

const HOST_PORT = /^(\[[^\]]*\]|[^:/[\]]*)(?::([0-9]{0,5}))?\/?$/;

function readEndpoint(text: string): Part<Endpoint> {
  const [, rawHost, digits] = HOST_PORT.exec(text) ?? [];
  if (rawHost === undefined) return "what follows the last @ is not host:port (an IPv6 address needs brackets)";
  const port = digits ? Number(digits) : DEFAULT_PORT;
  if (port < 1 || port > 0xffff) return "the port is not a number from 1 to 65535";
  const address = addressFrom(percentDecode(rawHost) ?? "", port);
  return address ? { host: address.host, port } : "the host is not a name or IP address";
}

function readPlugin(query: string): Part<PluginSpec | undefined> {
  const raw = query.split("&").find((argument) => argument.startsWith("plugin="));
  const value = percentDecode(raw?.slice("plugin=".length) ?? "");
  if (value === undefined) return "the plugin has a broken percent escape";
  if (value === "") return undefined;
  const end = pluginNameEnd(value);
  if (end === 0) return "the plugin has no name";
  // A backslash escapes what follows it: behind one at the very end there is nothing.
  if (end > value.length) return "the plugin's name ends in a backslash that escapes nothing";
  return { name: value.slice(0, end), opts: value.slice(end + 1) };
}

/** Where the first `;` that no backslash escapes stands, or the length; more than that when the last backslash escapes nothing. */
function pluginNameEnd(value: string): number {
  let i = 0;
  while (i < value.length && value[i] !== ";") i += value[i] === "\\" ? 2 : 1;
  return i;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** RFC 3986 §2.1 in UTF-8; `+` stays a plus. Undefined where an escape is broken or the bytes are not UTF-8. */
function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const BASE64 = /^([A-Za-z0-9+/_-]+)(={0,2})$/;

/** The UTF-8 text behind base64 of either alphabet; padding may be there or not, and anything percent-encoded. */
function decodeBase64(text: string): string | undefined {
  const [whole, digits, padding] = BASE64.exec(percentDecode(text) ?? "") ?? [];
  if (whole === undefined || digits === undefined) return undefined;
  // Node skips over what is not base64, so form is checked first: a lone last digit holds no byte, and padding fills up to four.
  if (padding === "" ? digits.length % 4 === 1 : whole.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(digits, "base64");
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}

/**
 * The canonical SIP002 URI: userinfo percent-encoded for SIP022 methods (its text forbids base64) and base64url without padding for all
 * others, the port always there, `/` only in front of a plugin. `parseAccessUri` reads it back unchanged. Throws a TypeError, which quotes
 * nothing, for values no URI can carry.
 */
export function formatAccessUri(uri: AccessUri): string {
  const address = addressFrom(uri.host, uri.port);
  if (!address || uri.port === 0) throw new TypeError("host and port do not make an address");
  if (uri.method === "" || uri.method.includes(":") || uri.password === "") throw new TypeError("method or password cannot stand in a URI");
  const { plugin, tag = "" } = uri;
  if (plugin && (plugin.name === "" || pluginNameEnd(`${plugin.name};`) !== plugin.name.length)) {
    throw new TypeError("the plugin name is empty or has an unescaped semicolon or backslash at its end");
  }
  const pluginText = plugin && (plugin.opts === "" ? plugin.name : `${plugin.name};${plugin.opts}`);
  if (![uri.method, uri.password, pluginText ?? "", tag].every((part) => part.isWellFormed())) {
    throw new TypeError("a lone surrogate cannot stand in a URI");
  }
  const login = uri.method.toLowerCase().startsWith("2022-")
    ? `${encodeURIComponent(uri.method)}:${encodeURIComponent(uri.password)}`
    : Buffer.from(`${uri.method}:${uri.password}`).toString("base64url");
  const host = address.type === ATYP_IPV6 ? `[${address.host}]` : encodeURIComponent(address.host);
  const query = pluginText === undefined ? "" : `/?plugin=${encodeURIComponent(pluginText)}`;
  return `${SCHEME}${login}@${host}:${uri.port}${query}${tag && `#${encodeURIComponent(tag)}`}`;
}
