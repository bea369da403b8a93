import type { Peer } from "../connection.ts";
import { parseBinaryHeader, readBinaryLength } from "./binary-header.ts";
import { parseTextHeader } from "./text-header.ts";

/** What a whole header says. `client` is undefined where the proxy speaks for itself (LOCAL, a health check) or knows no address (UNKNOWN). */
export interface ProxyHeader {
  readonly client: Peer | undefined;
}

/** `next`: index in the bytes just pushed of the first one behind the header. */
export type HeaderOutcome = { readonly ok: true; readonly header: ProxyHeader; readonly next: number } | { readonly ok: false };

const TEXT_PREFIX = Buffer.from("PROXY ", "latin1");
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** Version 1, the line end included (PROXY protocol 2.1). */
const LONGEST_TEXT = 107;
/** Version 2 up to the length of what follows. */
const FIXED_LENGTH = 16;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const REFUSED: HeaderOutcome = Object.freeze({ ok: false });

/**
 * Reads the PROXY protocol header (version 1 or 2, "The PROXY protocol" of HAProxy) with which a connection begins, byte by byte, so that it makes
 * no difference how it is cut. Keeps as much as the header may be long and no byte behind it.
 */
export class HeaderReader {
  #held = Buffer.allocUnsafe(LONGEST_TEXT);
  #length = 0;
  #isText = false;
  /** Of version 2 in all; undefined until its fixed part is complete. */
  #binaryLength: number | undefined;

  /** Takes src[start, end). Undefined: the header goes on. Not to be called again after an outcome. */
  push(src: Buffer, start: number, end: number): HeaderOutcome | undefined {
    for (let at = start; at < end; at++) {
      const header = this.#take(src[at]!);
      if (header === "refused") return REFUSED;
      if (header) return { ok: true, header, next: at + 1 };
    }
    return undefined;
  }

  #take(byte: number): ProxyHeader | "refused" | undefined {
    if (this.#length === 0) this.#isText = byte === TEXT_PREFIX[0];
    const prefix = this.#isText ? TEXT_PREFIX : SIGNATURE;
    if (this.#length < prefix.length && byte !== prefix[this.#length]) return "refused";
    this.#held[this.#length++] = byte;
    return this.#isText ? this.#afterText(byte) : this.#afterBinary();
  }

  #afterText(byte: number): ProxyHeader | "refused" | undefined {
    const end = this.#length - 2;
    const isBehindReturn = this.#held[end] === CARRIAGE_RETURN;
    if (byte === LINE_FEED) return isBehindReturn ? (parseTextHeader(this.#held.toString("latin1", 0, end)) ?? "refused") : "refused";
    return isBehindReturn || this.#length === LONGEST_TEXT ? "refused" : undefined;
  }

  #afterBinary(): ProxyHeader | "refused" | undefined {
    if (this.#length === FIXED_LENGTH) {
      const length = readBinaryLength(this.#held);
      if (length === undefined) return "refused";
      this.#binaryLength = FIXED_LENGTH + length;
      if (this.#binaryLength > this.#held.length) this.#held = Buffer.concat([this.#held.subarray(0, FIXED_LENGTH)], this.#binaryLength);
    }
    if (this.#length !== this.#binaryLength) return undefined;
    return parseBinaryHeader(this.#held.subarray(0, this.#length)) ?? "refused";
  }
}
