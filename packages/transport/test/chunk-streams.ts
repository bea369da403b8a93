import { AEAD_KEY_LENGTHS, type Aead, type AeadAlgorithm, type AeadBackend } from "@shadowfleet/wire";
import { ChunkOpener } from "../../wire/src/aead/chunk-opener.ts";
import { ChunkSealer } from "../../wire/src/aead/chunk-sealer.ts";

const aeadOf = (backend: AeadBackend, algorithm: AeadAlgorithm): Aead =>
  backend.createAead(algorithm, Buffer.alloc(AEAD_KEY_LENGTHS[algorithm], algorithm));

/** A relay's transforms on one backend, and what its client does on another. */
export interface ChunkStreams {
  readonly up: ChunkOpener;
  readonly down: ChunkSealer;
  /** What the client sends. */
  seal(plaintext: Buffer): Buffer;
  /** What the client makes of an answer. */
  open(sealed: Buffer): Buffer;
}

/** Both directions of a stream of chunks under one key; nonces from 0. */
export function chunkStreams(backend: AeadBackend, clientBackend: AeadBackend, algorithm: AeadAlgorithm, maxChunk: number): ChunkStreams {
  const sealer = new ChunkSealer(aeadOf(clientBackend, algorithm), maxChunk);
  const opener = new ChunkOpener(aeadOf(clientBackend, algorithm), maxChunk);
  return {
    up: new ChunkOpener(aeadOf(backend, algorithm), maxChunk),
    down: new ChunkSealer(aeadOf(backend, algorithm), maxChunk),
    seal: (plaintext) => {
      const sealed = Buffer.allocUnsafe(sealer.bound(plaintext.length));
      return sealed.subarray(0, sealer.push(plaintext, 0, plaintext.length, sealed, 0));
    },
    open: (sealed) => {
      const plaintext = Buffer.allocUnsafe(opener.bound(sealed.length));
      return plaintext.subarray(0, opener.push(sealed, 0, sealed.length, plaintext, 0));
    },
  };
}
