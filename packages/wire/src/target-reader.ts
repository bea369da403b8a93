import { readAddress, type TargetAddress } from "./address.ts";
import type { WireFailure } from "./failure.ts";
import { shortCopy } from "./short-copy.ts";
import { FAILED, type StreamTransform } from "./stream.ts";

/** The target address and the plaintext behind it. */
export interface TargetAndPayload {
  readonly target: TargetAddress;
  /** Owned by the receiver; may be empty. */
  readonly payload: Buffer;
}

const NOTHING = Buffer.alloc(0);

/** Reads the target address off the front of a request stream, over as many reads and chunks as it takes. */
export class TargetReader {
  readonly #opener: StreamTransform;
  /** What was opened while the address was incomplete: less than the longest address. */
  #plaintext = NOTHING;

  constructor(opener: StreamTransform) {
    this.#opener = opener;
  }

  /** The first plaintext byte, once there is one and no address is read. */
  get firstByte(): number | undefined {
    return this.#plaintext[0];
  }

  /** Opens src[start, end). Undefined: more is needed. After any other outcome it is not called again. */
  push(src: Buffer, start: number, end: number): TargetAndPayload | WireFailure | undefined {
    const opener = this.#opener;
    const before = this.#plaintext;
    const plaintext = Buffer.allocUnsafe(before.length + opener.bound(end - start));
    shortCopy(before, 0, before.length, plaintext, 0);
    const written = opener.push(src, start, end, plaintext, before.length);
    if (written === FAILED) return opener.failure ?? "AUTH_FAILED";
    if (written === 0) return undefined;
    const length = before.length + written;
    const address = readAddress(plaintext, 0, length);
    if (address.ok) return { target: address.target, payload: plaintext.subarray(address.next, length) };
    this.#plaintext = plaintext.subarray(0, length);
    return address.incomplete ? undefined : "BAD_ADDRESS";
  }
}
