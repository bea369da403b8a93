import type { ErrorCode } from "@shadowfleet/runtime";
import { type FrontDoor, type FrontStep, NOTHING } from "./front-door.ts";
import { HeldBytes } from "./held-bytes.ts";
import { MALFORMED } from "./http-body.ts";
import { type HttpErrorOptions, httpError } from "./http-error.ts";
import { type HttpHead, parseHead, parseRequestLine, valuesOf } from "./http-head.ts";
import { HeadEndFinder } from "./http-head-end.ts";
import { type HttpRouting, routeAbsolute, routeConnect } from "./http-request.ts";
import type { ProxyUsers } from "./proxy-users.ts";

/** Longest request head, start line and empty line included. */
export const MAX_REQUEST_HEAD = 16 * 1024;
const HEAD_TOO_LARGE = 431;
const BASIC = "basic ";
const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";

/** HTTP/1.0 and 1.1 proxy: CONNECT and requests in absolute form, one request a connection, Basic credentials when users are configured. */
export class HttpDoor implements FrontDoor {
  readonly protocol = "http";
  readonly #users: ProxyUsers;
  readonly #held = new HeldBytes();
  readonly #end = new HeadEndFinder(MAX_REQUEST_HEAD);
  #method = "";

  constructor(users: ProxyUsers) {
    this.#users = users;
  }

  push(src: Buffer, start: number, end: number): FrontStep {
    const bytes = this.#held.take(src, start, end);
    const headEnd = this.#end.find(bytes);
    if (headEnd === "more") {
      this.#held.keep(bytes, 0);
      return { kind: "more", reply: NOTHING };
    }
    if (headEnd === "too-large")
      return this.#refusal("HTTP_BAD_REQUEST", { status: HEAD_TOO_LARGE, detail: "the request head is too large" });
    if (headEnd === "malformed") return this.#refusal("HTTP_BAD_REQUEST", { detail: "lines end in CRLF" });
    return this.#request(bytes, headEnd);
  }

  granted(): Buffer {
    return this.#method === "CONNECT" ? Buffer.from(ESTABLISHED, "latin1") : NOTHING;
  }

  failed(code: ErrorCode): Buffer {
    return httpError(code, { withoutBody: this.#method === "HEAD" });
  }

  #request(bytes: Buffer, headEnd: number): FrontStep {
    const head = parseHead(bytes, headEnd);
    const line = head && parseRequestLine(head.startLine);
    if (!head || !line) return this.#refusal("HTTP_BAD_REQUEST", { detail: "malformed request head" });
    this.#method = line.method;
    const user = this.#authenticate(head);
    if (this.#users.required && user === undefined) return this.#refusal("PROXY_AUTH_FAILED");
    const routing = line.method === "CONNECT" ? routeConnect(line, head) : routeAbsolute(line, head);
    if (!routing.ok) return this.#refusal("HTTP_BAD_REQUEST", { detail: routing.reason });
    return this.#routed(bytes, headEnd, routing, user);
  }

  #routed(bytes: Buffer, headEnd: number, routing: HttpRouting & { ok: true }, user: string | undefined): FrontStep {
    const { target, head, body } = routing;
    const taken = body ? body.take(bytes, headEnd, bytes.length) : bytes.length - headEnd;
    if (taken === MALFORMED) return this.#refusal("HTTP_BAD_REQUEST", { detail: "malformed chunked body" });
    const payload = Buffer.concat([head, bytes.subarray(headEnd, headEnd + taken)]);
    return { kind: "request", reply: NOTHING, request: { command: "connect", target, user, payload, body } };
  }

  /** RFC 7617: the name ends at the first colon. More than one Proxy-Authorization is as good as none. */
  #authenticate(head: HttpHead): string | undefined {
    const [value, ...more] = valuesOf(head, "proxy-authorization");
    if (value === undefined || more.length > 0 || value.slice(0, BASIC.length).toLowerCase() !== BASIC) return undefined;
    const pair = Buffer.from(value.slice(BASIC.length), "base64");
    const colon = pair.indexOf(":");
    return colon === -1 ? undefined : this.#users.admit(pair.subarray(0, colon), pair.subarray(colon + 1));
  }

  #refusal(code: ErrorCode, options: HttpErrorOptions = {}): FrontStep {
    return { kind: "refused", code, reply: httpError(code, { ...options, withoutBody: this.#method === "HEAD" }) };
  }
}
