import { createSecretKey, type KeyObject } from "node:crypto";
import { type Aead, type AeadAlgorithm, type ChunkRun, type ChunkVerdict, TAG_LENGTH } from "./aead-contract.ts";
import { openChunkByChunk, sealChunkByChunk } from "./chunk-loop.ts";
import { type OpensslAead, openMessage, sealMessage } from "./message-cipher.ts";
import { XChaChaAead } from "./xchacha-aead.ts";

const KEY_LENGTHS: Readonly<Record<AeadAlgorithm, number>> = {
  "aes-128-gcm": 16,
  "aes-192-gcm": 24,
  "aes-256-gcm": 32,
  "chacha20-poly1305": 32,
  "xchacha20-poly1305": 32,
};

const SEALED_LENGTH = 2 + TAG_LENGTH;
const length = Buffer.alloc(2);

/** AES-GCM and ChaCha20-Poly1305 through `node:crypto`. */
class NodeAead implements Aead {
  readonly tagLength = TAG_LENGTH;
  readonly nonceLength = 12;
  readonly #algorithm: OpensslAead;
  readonly #key: KeyObject;

  constructor(algorithm: OpensslAead, key: Buffer) {
    this.#algorithm = algorithm;
    this.#key = createSecretKey(key);
  }

  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    sealMessage(this.#algorithm, this.#key, nonce, src, start, end, dst, at);
  }

  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    return openMessage(this.#algorithm, this.#key, nonce, src, start, end, dst, at);
  }

  sealLength(nonce: Buffer, value: number, dst: Buffer, at: number): void {
    length.writeUInt16BE(value);
    this.seal(nonce, length, 0, 2, dst, at);
  }

  openLength(nonce: Buffer, src: Buffer, at: number): number {
    return this.open(nonce, src, at, at + SEALED_LENGTH, length, 0) ? length.readUInt16BE() : -1;
  }

  sealChunks(nonce: Buffer, src: Buffer, start: number, end: number, maxChunk: number, dst: Buffer, at: number): number {
    return sealChunkByChunk(this, nonce, src, start, end, maxChunk, dst, at);
  }

  openChunks(run: ChunkRun, src: Buffer, start: number, end: number, dst: Buffer, at: number): ChunkVerdict {
    return openChunkByChunk(this, run, src, start, end, dst, at);
  }
}

/** The `node:crypto` backend's `createAead`. */
export function createNodeAead(algorithm: AeadAlgorithm, key: Buffer): Aead {
  if (key.length !== KEY_LENGTHS[algorithm]) {
    throw new RangeError(`${algorithm} takes a key of ${KEY_LENGTHS[algorithm]} bytes, not ${key.length}`);
  }
  return algorithm === "xchacha20-poly1305" ? new XChaChaAead(key) : new NodeAead(algorithm, key);
}
