import { type Aead, AWAITING_LENGTH, type ChunkRun, type ChunkVerdict, SEALED_LENGTH, TAG_LENGTH } from "./aead-contract.ts";
import { incrementNonce } from "./nonce.ts";

type OneByOne = Pick<Aead, "seal" | "open" | "sealLength" | "openLength">;

/** `Aead.sealChunks` for an `Aead` that seals message by message. */
export function sealChunkByChunk(
  aead: OneByOne,
  nonce: Buffer,
  src: Buffer,
  start: number,
  end: number,
  maxChunk: number,
  dst: Buffer,
  at: number,
): number {
  let to = at;
  for (let from = start; from < end; ) {
    const length = Math.min(maxChunk, end - from);
    aead.sealLength(nonce, length, dst, to);
    incrementNonce(nonce);
    to += SEALED_LENGTH;
    aead.seal(nonce, src, from, from + length, dst, to);
    incrementNonce(nonce);
    to += length + TAG_LENGTH;
    from += length;
  }
  return to - at;
}

/** `Aead.openChunks` for an `Aead` that opens message by message. */
export function openChunkByChunk(
  aead: OneByOne,
  run: ChunkRun,
  src: Buffer,
  start: number,
  end: number,
  dst: Buffer,
  at: number,
): ChunkVerdict {
  let from = start;
  let to = at;
  run.consumed = 0;
  run.written = 0;
  for (;;) {
    if (run.payloadLength === AWAITING_LENGTH) {
      if (end - from < SEALED_LENGTH) break;
      const length = aead.openLength(run.nonce, src, from);
      if (length < 0) return "AUTH_FAILED";
      if (length > run.maxChunk) return "BAD_HEADER";
      incrementNonce(run.nonce);
      from += SEALED_LENGTH;
      run.payloadLength = length;
    }
    const { payloadLength } = run;
    if (end - from < payloadLength + TAG_LENGTH) break;
    if (!aead.open(run.nonce, src, from, from + payloadLength + TAG_LENGTH, dst, to)) return "AUTH_FAILED";
    incrementNonce(run.nonce);
    from += payloadLength + TAG_LENGTH;
    to += payloadLength;
    run.payloadLength = AWAITING_LENGTH;
  }
  run.consumed = from - start;
  run.written = to - at;
  return "ok";
}
