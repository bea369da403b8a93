import { type PartialMessage, takePartial } from "./aead/partial-message.ts";
import type { WireFailure } from "./failure.ts";
import { type ChunkStream, FAILED, type StreamTransform } from "./stream.ts";

/** What follows a salt, or why that salt is not accepted. */
export type OpenAfterSalt = (salt: Buffer) => StreamTransform | WireFailure;

/** Opens a direction that begins with a salt (or IV) of known length: collects it, then hands everything to the transform it leads to. */
export class SaltedOpener implements StreamTransform {
  readonly #openAfter: OpenAfterSalt;
  readonly #saltLength: number;
  #salt: PartialMessage | undefined = undefined;
  #inner: StreamTransform | undefined = undefined;
  #failure: WireFailure | undefined = undefined;

  constructor(saltLength: number, openAfter: OpenAfterSalt) {
    this.#saltLength = saltLength;
    this.#openAfter = openAfter;
  }

  get failure(): WireFailure | undefined {
    return this.#failure ?? this.#inner?.failure;
  }

  get atBoundary(): boolean {
    return this.#inner?.atBoundary ?? this.#salt === undefined;
  }

  get chunks(): ChunkStream | undefined {
    return this.#inner?.chunks;
  }

  bound(length: number): number {
    return this.#inner?.bound(length) ?? length;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    if (this.#failure !== undefined) return FAILED;
    if (this.#inner !== undefined) return this.#inner.push(src, start, end, dst, dstStart);
    if (start === end) return 0;
    this.#salt ??= takePartial(this.#saltLength);
    const taken = this.#salt.fill(src, start, end);
    if (!this.#salt.complete) return 0;
    const opened = this.#openAfter(this.#salt.bytes);
    this.#salt = undefined;
    if (typeof opened === "string") {
      this.#failure = opened;
      return FAILED;
    }
    this.#inner = opened;
    return opened.push(src, start + taken, end, dst, dstStart);
  }
}
