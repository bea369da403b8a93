import type { WireFailure } from "../failure.ts";
import { type ChunkStream, FAILED, type StreamTransform } from "../stream.ts";
import { type Aead, AWAITING_LENGTH, type ChunkRun, type ChunkVerdict, SEALED_LENGTH, TAG_LENGTH } from "./aead.ts";
import { createNonce, incrementNonce } from "./nonce.ts";
import { type PartialMessage, releasePartial, takePartial } from "./partial-message.ts";

const NOTHING = Buffer.alloc(0);

/**
 * Opens one direction: { open(n, length) ‖ open(n+1, payload) }*. Whole messages are opened straight from the caller's buffer; only the
 * beginning of a message whose rest has not arrived is kept, in a buffer of that message's size, which is given up once it is complete.
 * A chunk of length zero is authentic and carries nothing: it is accepted (SIP004 does not forbid it) and yields no bytes.
 */
export class ChunkOpener implements StreamTransform, ChunkStream {
  failure: WireFailure | undefined = undefined;
  readonly aead: Aead;
  readonly #run: ChunkRun;
  #partial: PartialMessage | undefined = undefined;

  /** `messagesOpened`: how many messages of this direction were opened by other means; the next nonce. */
  constructor(aead: Aead, maxChunk: number, messagesOpened: 0 | 1 = 0) {
    this.aead = aead;
    this.#run = { nonce: createNonce(aead.nonceLength), maxChunk, payloadLength: AWAITING_LENGTH, consumed: 0, written: 0 };
    if (messagesOpened === 1) incrementNonce(this.#run.nonce);
  }

  get chunks(): ChunkStream | undefined {
    return this.failure === undefined ? this : undefined;
  }

  get seals(): false {
    return false;
  }

  get maxChunk(): number {
    return this.#run.maxChunk;
  }

  get nonce(): Buffer {
    return this.#run.nonce;
  }

  get payloadLength(): number {
    return this.#run.payloadLength;
  }

  get partial(): Buffer {
    return this.#partial?.bytes.subarray(0, this.#partial.filled) ?? NOTHING;
  }

  resume(payloadLength: number, partial: Buffer, verdict: ChunkVerdict): void {
    if (this.#partial !== undefined) releasePartial(this.#partial);
    this.#partial = undefined;
    this.#run.payloadLength = payloadLength;
    if (partial.length > 0) this.#keep(partial, 0, partial.length);
    if (verdict !== "ok") this.failure = verdict;
  }

  get atBoundary(): boolean {
    return this.#partial === undefined && this.#run.payloadLength === AWAITING_LENGTH;
  }

  bound(length: number): number {
    return length + (this.#partial?.filled ?? 0);
  }

  /** Opens src[start, end) = ciphertext ‖ tag as one message with the next nonce, for headers. False: the tag is wrong and the opener has failed. */
  openMessage(src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    if (this.failure !== undefined) return false;
    if (end - start < TAG_LENGTH || !this.aead.open(this.#run.nonce, src, start, end, dst, at)) {
      this.failure = "AUTH_FAILED";
      return false;
    }
    incrementNonce(this.#run.nonce);
    return true;
  }

  /** Treats the next bytes as the payload message of a chunk of `length` bytes: something else announced its length. */
  expectPayload(length: number): void {
    this.#run.payloadLength = length;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    if (this.failure !== undefined) return FAILED;
    let from = start;
    let to = dstStart;
    if (this.#partial !== undefined) {
      from += this.#partial.fill(src, from, end);
      if (!this.#partial.complete) return 0;
      const message = this.#partial;
      this.#partial = undefined;
      const opened = this.#open(message.bytes, 0, message.size, dst, to);
      releasePartial(message);
      if (!opened) return FAILED;
      to += this.#run.written;
    }
    if (from < end) {
      if (!this.#open(src, from, end, dst, to)) return FAILED;
      from += this.#run.consumed;
      to += this.#run.written;
      if (from < end) this.#keep(src, from, end);
    }
    return to - dstStart;
  }

  #open(src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    const verdict = this.aead.openChunks(this.#run, src, start, end, dst, at);
    if (verdict === "ok") return true;
    this.failure = verdict;
    return false;
  }

  #keep(src: Buffer, start: number, end: number): void {
    const { payloadLength } = this.#run;
    this.#partial = takePartial(payloadLength === AWAITING_LENGTH ? SEALED_LENGTH : payloadLength + TAG_LENGTH);
    this.#partial.fill(src, start, end);
  }
}
