import { addressFrom, type TargetAddress } from "@shadowfleet/wire";
import { type BodyScanner, requestBody } from "./http-body.ts";
import { connectionOptions, type HttpHead, type RequestLine, valuesOf } from "./http-head.ts";

const SCHEME = "http://";
const HTTP_PORT = 80;
const PORT_DIGITS = 5;

/** For this hop only, whether or not Connection names them (RFC 9110 §7.6.1). Transfer-Encoding stays, because the body is passed on as it came. */
const HOP_BY_HOP = new Set(["connection", "proxy-connection", "keep-alive", "proxy-authorization", "proxy-authenticate", "te", "upgrade"]);
/** Dropping one of these because Connection names it would change where the message goes or ends. */
const NEVER_HOP_BY_HOP = ["host", "content-length", "transfer-encoding"];

/** A request as the tunnel needs it, or the sentence that says why it is refused. */
export type HttpRouting =
  | { readonly ok: true; readonly target: TargetAddress; readonly head: Buffer; readonly body: BodyScanner | undefined }
  | { readonly ok: false; readonly reason: string };

const refused = (reason: string): HttpRouting => ({ ok: false, reason });

/** `host:port`, `[v6]:port`; the port may be missing or empty if there is a default. URIs are ASCII and user names in them are refused. */
function parseAuthority(text: string, defaultPort: number | undefined): TargetAddress | undefined {
  const colon = text.lastIndexOf(":");
  const hasPort = colon > text.lastIndexOf("]");
  const host = hasPort ? text.slice(0, colon) : text;
  const digits = hasPort ? text.slice(colon + 1) : "";
  const bareIpv6 = host.includes(":") && !host.startsWith("[");
  if (bareIpv6 || !/^[\x21-\x7e]+$/.test(host) || !/^[0-9]*$/.test(digits) || digits.length > PORT_DIGITS) return undefined;
  const port = digits === "" ? defaultPort : Number(digits);
  return port === undefined ? undefined : addressFrom(host, port);
}

/** CONNECT (RFC 9110 §9.3.6). A tunnel request has no body: framing fields would leave it open where the tunnel begins. */
export function routeConnect(line: RequestLine, head: HttpHead): HttpRouting {
  const framed = valuesOf(head, "transfer-encoding").length > 0 || valuesOf(head, "content-length").some((value) => value !== "0");
  if (framed) return refused("a CONNECT request has no body");
  const target = parseAuthority(line.target, undefined);
  return target ? { ok: true, target, head: Buffer.alloc(0), body: undefined } : refused("CONNECT needs host:port");
}

/** Splits `http://authority/path?query` into authority and the origin's request target (RFC 9112 §3.2.1, §3.2.4). */
function splitAbsolute(line: RequestLine): { authority: string; originTarget: string } | undefined {
  if (line.target.slice(0, SCHEME.length).toLowerCase() !== SCHEME || line.target.includes("#")) return undefined;
  const slash = line.target.indexOf("/", SCHEME.length);
  const question = line.target.indexOf("?", SCHEME.length);
  const ends = [slash, question, line.target.length].filter((index) => index !== -1);
  const pathAt = Math.min(...ends);
  const rest = line.target.slice(pathAt);
  const originTarget = rest === "" ? (line.method === "OPTIONS" ? "*" : "/") : rest.startsWith("?") ? `/${rest}` : rest;
  return { authority: line.target.slice(SCHEME.length, pathAt), originTarget };
}

/**
 * A request in absolute form, rewritten for the origin: origin form, Host from the URI, fields of this hop dropped, `Connection: close`
 * because each request gets its own tunnel.
 */
export function routeAbsolute(line: RequestLine, head: HttpHead): HttpRouting {
  const parts = splitAbsolute(line);
  if (!parts) return refused("this is a proxy: ask for an absolute http:// URI, or use CONNECT");
  const target = parseAuthority(parts.authority, HTTP_PORT);
  if (!target) return refused("the URI names no valid host and port");
  if (valuesOf(head, "host").length > 1) return refused("more than one Host");
  const body = requestBody(head, line.version);
  if (!body) return refused("ambiguous or unsupported Content-Length or Transfer-Encoding");
  const options = connectionOptions(head);
  if (NEVER_HOP_BY_HOP.some((name) => options.has(name))) return refused("Connection must not name Host or a framing field");
  const lines = [`${line.method} ${parts.originTarget} ${line.version}`, `Host: ${parts.authority}`];
  for (const field of head.fields) {
    if (field.name !== "host" && !HOP_BY_HOP.has(field.name) && !options.has(field.name)) lines.push(field.line);
  }
  lines.push("Connection: close");
  return { ok: true, target, head: Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body };
}
