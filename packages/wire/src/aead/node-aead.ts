import { SubkeySalt } from "../kdf/hkdf-sha1.ts";
import { ownCopy } from "../short-copy.ts";
import {
  type Aead,
  type AeadAlgorithm,
  type ChunkRun,
  type ChunkVerdict,
  checkAeadKey,
  SEALED_LENGTH,
  TAG_LENGTH,
} from "./aead-contract.ts";
import { openChunkByChunk, sealChunkByChunk } from "./chunk-loop.ts";
import { cryptoMessages } from "./crypto-messages.ts";
import { ChachaLengths } from "./length/chacha-lengths.ts";
import { GcmLengthBatch } from "./length/gcm-length-batch.ts";
import { GcmLengths } from "./length/gcm-lengths.ts";
import { type LengthEngine, openLength, sealLength } from "./length/length-engine.ts";
import type { KeyedMessages, MessageCipher, OpensslAlgorithm } from "./message-cipher.ts";
import { createOpensslMessages } from "./openssl-messages.ts";
import { type ChaChaMessages, XChaChaAead } from "./xchacha-aead.ts";

const ECB = { "aes-128-gcm": "aes-128-ecb", "aes-192-gcm": "aes-192-ecb", "aes-256-gcm": "aes-256-ecb" } as const;

/** Lengths sealed and opened as ordinary messages, where those are cheap, before an engine is made for the many of a long stream. */
const LENGTHS_AS_MESSAGES = 8;

const lengthText = Buffer.alloc(2);

/** AES-GCM and ChaCha20-Poly1305: payloads through a message cipher, lengths through an engine for them. */
class NodeAead implements Aead {
  readonly tagLength = TAG_LENGTH;
  readonly nonceLength = 12;
  readonly #cipher: MessageCipher;
  readonly #algorithm: OpensslAlgorithm;
  readonly #key: Buffer;
  readonly #messages: KeyedMessages;
  #lengths: LengthEngine | undefined = undefined;
  #lengthsAsMessages: number;

  /** `key` is kept, not copied. */
  constructor(cipher: MessageCipher, algorithm: OpensslAlgorithm, key: Buffer) {
    this.#cipher = cipher;
    this.#algorithm = algorithm;
    this.#key = key;
    this.#messages = cipher.withKey(algorithm, key);
    this.#lengthsAsMessages = cipher.isCheap ? LENGTHS_AS_MESSAGES : 0;
  }

  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    this.#messages.seal(nonce, src, start, end, dst, at);
  }

  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    return this.#messages.open(nonce, src, start, end, dst, at);
  }

  sealLength(nonce: Buffer, length: number, dst: Buffer, at: number): void {
    const engine = this.#lengthEngine();
    if (engine !== undefined) {
      sealLength(engine, nonce, length, dst, at);
      return;
    }
    lengthText.writeUInt16BE(length);
    this.#messages.seal(nonce, lengthText, 0, 2, dst, at);
  }

  openLength(nonce: Buffer, src: Buffer, at: number): number {
    const engine = this.#lengthEngine();
    if (engine !== undefined) return openLength(engine, nonce, src, at);
    return this.#messages.open(nonce, src, at, at + SEALED_LENGTH, lengthText, 0) ? lengthText.readUInt16BE() : -1;
  }

  sealChunks(nonce: Buffer, src: Buffer, start: number, end: number, maxChunk: number, dst: Buffer, at: number): number {
    return sealChunkByChunk(this, nonce, src, start, end, maxChunk, dst, at);
  }

  openChunks(run: ChunkRun, src: Buffer, start: number, end: number, dst: Buffer, at: number): ChunkVerdict {
    return openChunkByChunk(this, run, src, start, end, dst, at);
  }

  /** Undefined: the next length is an ordinary message. */
  #lengthEngine(): LengthEngine | undefined {
    if (this.#lengths !== undefined) return this.#lengths;
    if (this.#algorithm === "chacha20-poly1305") this.#lengths = new ChachaLengths(this.#key);
    else if (this.#lengthsAsMessages > 0) {
      this.#lengthsAsMessages -= 1;
      if (this.#lengthsAsMessages === 0) this.#lengths = new GcmLengthBatch(this.#cipher, ECB[this.#algorithm], this.#key);
      return undefined;
    } else this.#lengths = new GcmLengths(this.#cipher, ECB[this.#algorithm], this.#key);
    return this.#lengths;
  }
}

/** What makes the `Aead`s of a backend. */
export interface NodeAeads {
  createAead(algorithm: AeadAlgorithm, key: Buffer): Aead;
  subkeyAeads(algorithm: AeadAlgorithm, salt: Buffer): (key: Buffer) => Aead;
}

/** `Aead`s whose messages go through this. */
export function createNodeAeads(cipher: MessageCipher): NodeAeads {
  const chaCha: ChaChaMessages = {
    seal: (key, ...message) => cipher.withKey("chacha20-poly1305", key).seal(...message),
    open: (key, ...message) => cipher.withKey("chacha20-poly1305", key).open(...message),
  };
  const keeping = (algorithm: AeadAlgorithm, key: Buffer): Aead =>
    algorithm === "xchacha20-poly1305" ? new XChaChaAead(key, chaCha) : new NodeAead(cipher, algorithm, key);
  return {
    createAead(algorithm, key) {
      checkAeadKey(algorithm, key);
      return keeping(algorithm, ownCopy(key, 0, key.length));
    },
    subkeyAeads(algorithm, salt) {
      const subkeys = new SubkeySalt(salt);
      return (key) => {
        checkAeadKey(algorithm, key);
        return keeping(algorithm, subkeys.derive(key));
      };
    },
  };
}

let chosen: NodeAeads | undefined;

/** Looked for when the first cipher is made: a process that encrypts by other means never loads what it takes. */
function nodeAeads(): NodeAeads {
  chosen ??= createNodeAeads(createOpensslMessages() ?? cryptoMessages);
  return chosen;
}

/** The `node:crypto` backend's `createAead`. */
export const createNodeAead: NodeAeads["createAead"] = (algorithm, key) => nodeAeads().createAead(algorithm, key);

/** The `node:crypto` backend's `subkeyAeads`. */
export const nodeSubkeyAeads: NodeAeads["subkeyAeads"] = (algorithm, salt) => nodeAeads().subkeyAeads(algorithm, salt);
