import type { WireFailure } from "../failure.ts";
import type { ChunkStream, StreamTransform } from "../stream.ts";
import { type Aead, AWAITING_LENGTH, SEALED_LENGTH, TAG_LENGTH } from "./aead.ts";
import { createNonce, incrementNonce } from "./nonce.ts";

const NOTHING = Buffer.alloc(0);

/** Bytes a chunk adds to its payload: sealed length ‖ tag of the payload. */
const CHUNK_OVERHEAD = SEALED_LENGTH + TAG_LENGTH;

/** Seals one direction: { seal(n, length) ‖ seal(n+1, payload) }*, nonces from 0. Keeps no data between calls. */
export class ChunkSealer implements StreamTransform, ChunkStream {
  readonly failure: WireFailure | undefined = undefined;
  readonly atBoundary = true;
  readonly aead: Aead;
  readonly maxChunk: number;
  readonly nonce: Buffer;

  constructor(aead: Aead, maxChunk: number) {
    this.aead = aead;
    this.maxChunk = maxChunk;
    this.nonce = createNonce(aead.nonceLength);
  }

  get chunks(): ChunkStream {
    return this;
  }

  get seals(): true {
    return true;
  }

  get payloadLength(): number {
    return AWAITING_LENGTH;
  }

  get partial(): Buffer {
    return NOTHING;
  }

  /** Between two calls there is nothing but the nonce. */
  resume(): void {}

  bound(length: number): number {
    return length + Math.ceil(length / this.maxChunk) * CHUNK_OVERHEAD;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    return this.aead.sealChunks(this.nonce, src, start, end, this.maxChunk, dst, dstStart);
  }

  /** Seals src[start, end) as one message with the next nonce, for headers and first chunks. Returns the bytes written: end - start + 16. */
  sealMessage(src: Buffer, start: number, end: number, dst: Buffer, at: number): number {
    this.aead.seal(this.nonce, src, start, end, dst, at);
    incrementNonce(this.nonce);
    return end - start + TAG_LENGTH;
  }
}
