import { connectionOptions, parseHead } from "./http-head.ts";
import { HeadEndFinder } from "./http-head-end.ts";

/** Longest response head that is still rewritten; a longer one passes as it is. */
export const MAX_RESPONSE_HEAD = 64 * 1024;
/** What a rewritten head is longer than the original by, at most. */
export const RESPONSE_HEAD_GROWTH = "Connection: close\r\n".length;

const HOP_BY_HOP = new Set(["connection", "proxy-connection", "keep-alive", "proxy-authenticate", "upgrade"]);
const FRAMING = new Set(["content-length", "transfer-encoding"]);

/** What the beginning of an answer turned into: still incomplete, or `head` in place of the first `consumed` bytes. */
export type ResponseStep =
  | { readonly kind: "more" }
  | { readonly kind: "head"; readonly head: Buffer; readonly consumed: number; readonly final: boolean }
  | { readonly kind: "opaque" };

/**
 * Makes one response head fit for a client whose connection ends with this answer: fields of the origin's hop dropped, `Connection: close`
 * set. Interim answers (1xx) come one by one before the final one. What is no HTTP head is "opaque" and passes unchanged.
 */
export class ResponseHeadRewriter {
  #end = new HeadEndFinder(MAX_RESPONSE_HEAD);

  /** `bytes` holds everything since the last head, from its first byte. */
  push(bytes: Buffer): ResponseStep {
    const end = this.#end.find(bytes);
    if (end === "more") return { kind: "more" };
    const parsed = typeof end === "number" ? parseHead(bytes, end) : undefined;
    if (!parsed?.startLine.startsWith("HTTP/1.") || typeof end !== "number") return { kind: "opaque" };
    this.#end = new HeadEndFinder(MAX_RESPONSE_HEAD);
    const options = connectionOptions(parsed);
    const lines = [parsed.startLine];
    for (const field of parsed.fields) {
      const named = options.has(field.name) && !FRAMING.has(field.name);
      if (!named && !HOP_BY_HOP.has(field.name)) lines.push(field.line);
    }
    const final = !parsed.startLine.slice("HTTP/1.".length + 1).startsWith(" 1");
    if (final) lines.push("Connection: close");
    return { kind: "head", head: Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), consumed: end, final };
  }
}
