import { hchacha } from "@noble/ciphers/chacha.js";
import { type Aead, type ChunkRun, type ChunkVerdict, SEALED_LENGTH, TAG_LENGTH } from "./aead-contract.ts";
import { openChunkByChunk, sealChunkByChunk } from "./chunk-loop.ts";

const NONCE_LENGTH = 16 + 8;
const SIGMA = words(Buffer.from("expand 32-byte k"), 0, 4);

const prefix = new Uint32Array(4);
const subkeyWords = new Uint32Array(8);
const subkey = Buffer.alloc(32);
const innerNonce = Buffer.alloc(4 + 8);
const length = Buffer.alloc(2);

/** `count` little-endian words of `bytes` from `at` on: hchacha wants words, and the bytes may not be aligned. */
function words(bytes: Buffer, at: number, count: number, into = new Uint32Array(count)): Uint32Array {
  for (let i = 0; i < count; i += 1) into[i] = bytes.readUInt32LE(at + 4 * i);
  return into;
}

/** Single ChaCha20-Poly1305 messages, each under a key of its own; otherwise as `Aead` has them. */
export interface ChaChaMessages {
  seal(key: Buffer, ...message: Parameters<Aead["seal"]>): void;
  open(key: Buffer, ...message: Parameters<Aead["open"]>): boolean;
}

/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 §2): HChaCha20 of the first 16 nonce bytes gives the key, the other 8 the nonce of an
 * ordinary ChaCha20-Poly1305 message.
 */
export class XChaChaAead implements Aead {
  readonly tagLength = TAG_LENGTH;
  readonly nonceLength = NONCE_LENGTH;
  readonly #key: Uint32Array;
  readonly #messages: ChaChaMessages;

  /** `key`: 32 bytes, copied. */
  constructor(key: Buffer, messages: ChaChaMessages) {
    this.#key = words(key, 0, 8);
    this.#messages = messages;
  }

  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    this.#deriveMessageKey(nonce);
    this.#messages.seal(subkey, innerNonce, src, start, end, dst, at);
  }

  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    this.#deriveMessageKey(nonce);
    return this.#messages.open(subkey, innerNonce, src, start, end, dst, at);
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

  #deriveMessageKey(nonce: Buffer): void {
    hchacha(SIGMA, this.#key, words(nonce, 0, 4, prefix), subkeyWords);
    for (let i = 0; i < 8; i += 1) subkey.writeUInt32LE(subkeyWords[i] as number, 4 * i);
    nonce.copy(innerNonce, 4, 16, NONCE_LENGTH);
  }
}
