import { type HttpHead, valuesOf } from "./http-head.ts";

/** What `BodyScanner.take` returns for bytes that are no body. */
export const MALFORMED = -1;

/** Finds where one message body ends. */
export interface BodyScanner {
  /** How many of src[start, end) belong to the body; fewer than there are means that it is complete. MALFORMED, then and ever after. */
  take(src: Buffer, start: number, end: number): number;
}

const MAX_DIGITS = 15;
const MAX_CHUNK_LINE = 4096;
const MAX_TRAILER = 16 * 1024;
const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const ZERO = 0x30;
const NINE = 0x39;

/** A body of known length; 0 for a message without one. */
export class FixedBody implements BodyScanner {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  take(_src: Buffer, start: number, end: number): number {
    const taken = Math.min(end - start, this.#left);
    this.#left -= taken;
    return taken;
  }
}

function hexValue(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/**
 * A chunked body (RFC 9112 §7.1), passed on as it came; only its end is looked for. Lines end in CRLF and nothing else, sizes have at most
 * 15 digits, chunk extensions and trailers are bounded.
 */
export class ChunkedBody implements BodyScanner {
  #state: "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailer" | "trailer-lf" | "end" | "malformed" = "size";
  #size = 0;
  #digits = 0;
  #lineLength = 0;
  #trailerLength = 0;

  take(src: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state !== "end") {
      if (this.#state === "data") {
        const taken = Math.min(end - at, this.#size);
        at += taken;
        this.#size -= taken;
        if (this.#size === 0) this.#state = "data-cr";
        continue;
      }
      this.#step(src[at]!);
      if (this.#state === "malformed") return MALFORMED;
      at++;
    }
    return at - start;
  }

  #step(code: number): void {
    switch (this.#state) {
      case "size":
        this.#sizeDigit(code);
        return;
      case "extension":
        if (code === CR) this.#state = "size-lf";
        else if (code === LF || ++this.#lineLength > MAX_CHUNK_LINE) this.#state = "malformed";
        return;
      case "size-lf":
        if (code !== LF) this.#state = "malformed";
        else this.#state = this.#size > 0 ? "data" : "trailer";
        this.#digits = 0;
        this.#lineLength = 0;
        return;
      case "data-cr":
        this.#state = code === CR ? "data-lf" : "malformed";
        return;
      case "data-lf":
        this.#state = code === LF ? "size" : "malformed";
        return;
      case "trailer":
        this.#trailerByte(code);
        return;
      case "trailer-lf":
        if (code !== LF) this.#state = "malformed";
        else this.#state = this.#lineLength === 0 ? "end" : "trailer";
        this.#lineLength = 0;
        return;
      default:
        this.#state = "malformed";
    }
  }

  #sizeDigit(code: number): void {
    const value = hexValue(code);
    if (value >= 0 && this.#digits < MAX_DIGITS) {
      this.#size = this.#digits++ === 0 ? value : this.#size * 16 + value;
    } else if (value < 0 && this.#digits > 0 && code === CR) this.#state = "size-lf";
    else this.#state = value < 0 && this.#digits > 0 && code === SEMICOLON ? "extension" : "malformed";
  }

  #trailerByte(code: number): void {
    if (code === CR) this.#state = "trailer-lf";
    else if (code === LF || ++this.#trailerLength > MAX_TRAILER) this.#state = "malformed";
    else this.#lineLength++;
  }
}

function allDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < ZERO || text.charCodeAt(i) > NINE) return false;
  return text.length > 0;
}

/**
 * How the body of a request is delimited (RFC 9112 §6.3), or undefined when two readers could disagree about it: both Content-Length and
 * Transfer-Encoding, either of them twice, a coding other than chunked, Transfer-Encoding from an HTTP/1.0 client, a length that is no number.
 */
export function requestBody(head: HttpHead, version: string): BodyScanner | undefined {
  const lengths = valuesOf(head, "content-length");
  const codings = valuesOf(head, "transfer-encoding");
  if (lengths.length + codings.length > 1) return undefined;
  const [coding] = codings;
  if (coding !== undefined) return version === "HTTP/1.1" && coding.toLowerCase() === "chunked" ? new ChunkedBody() : undefined;
  const [length = "0"] = lengths;
  return allDigits(length) && length.length <= MAX_DIGITS ? new FixedBody(Number(length)) : undefined;
}
