import { createSecretKey, type KeyObject } from "node:crypto";
import { SubkeySalt } from "../kdf/hkdf-sha1.ts";
import { type Aead, type AeadAlgorithm, type ChunkRun, type ChunkVerdict, checkAeadKey, TAG_LENGTH } from "./aead-contract.ts";
import { openChunkByChunk, sealChunkByChunk } from "./chunk-loop.ts";
import { ChachaLengths } from "./length/chacha-lengths.ts";
import { GcmLengths } from "./length/gcm-lengths.ts";
import { type LengthEngine, openLength, sealLength } from "./length/length-engine.ts";
import { type OpensslAead, openMessage, sealMessage } from "./message-cipher.ts";
import { type ChaChaMessages, XChaChaAead } from "./xchacha-aead.ts";

function lengthEngine(algorithm: OpensslAead, key: Buffer): LengthEngine {
  switch (algorithm) {
    case "aes-128-gcm":
      return new GcmLengths("aes-128-ecb", key);
    case "aes-192-gcm":
      return new GcmLengths("aes-192-ecb", key);
    case "aes-256-gcm":
      return new GcmLengths("aes-256-ecb", key);
    case "chacha20-poly1305":
      return new ChachaLengths(key);
  }
}

const nodeChaCha: ChaChaMessages = {
  seal: (key, ...message) => sealMessage("chacha20-poly1305", createSecretKey(key), ...message),
  open: (key, ...message) => openMessage("chacha20-poly1305", createSecretKey(key), ...message),
};

/** AES-GCM and ChaCha20-Poly1305: payloads through `node:crypto`, lengths through an engine for them. */
class NodeAead implements Aead {
  readonly tagLength = TAG_LENGTH;
  readonly nonceLength = 12;
  readonly #algorithm: OpensslAead;
  readonly #key: Buffer;
  /** Made when a payload needs it, which is not before a trial decryption has succeeded. */
  #keyObject: KeyObject | undefined = undefined;
  #lengths: LengthEngine | undefined = undefined;

  constructor(algorithm: OpensslAead, key: Buffer) {
    this.#algorithm = algorithm;
    // Not from Node's shared pool, a block of which would live as long as this key.
    this.#key = Buffer.allocUnsafeSlow(key.length);
    key.copy(this.#key);
  }

  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    this.#keyObject ??= createSecretKey(this.#key);
    sealMessage(this.#algorithm, this.#keyObject, nonce, src, start, end, dst, at);
  }

  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    this.#keyObject ??= createSecretKey(this.#key);
    return openMessage(this.#algorithm, this.#keyObject, nonce, src, start, end, dst, at);
  }

  sealLength(nonce: Buffer, length: number, dst: Buffer, at: number): void {
    this.#lengths ??= lengthEngine(this.#algorithm, this.#key);
    sealLength(this.#lengths, nonce, length, dst, at);
  }

  openLength(nonce: Buffer, src: Buffer, at: number): number {
    this.#lengths ??= lengthEngine(this.#algorithm, this.#key);
    return openLength(this.#lengths, nonce, src, at);
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
  checkAeadKey(algorithm, key);
  return algorithm === "xchacha20-poly1305" ? new XChaChaAead(key, nodeChaCha) : new NodeAead(algorithm, key);
}

/** The `node:crypto` backend's `subkeyAeads`. */
export function nodeSubkeyAeads(algorithm: AeadAlgorithm, salt: Buffer): (key: Buffer) => Aead {
  const subkeys = new SubkeySalt(salt);
  return (key) => createNodeAead(algorithm, subkeys.derive(key));
}
