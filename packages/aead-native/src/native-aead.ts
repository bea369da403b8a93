import {
  type Aead,
  type AeadAlgorithm,
  type AeadBackend,
  type ChaChaMessages,
  type ChunkRun,
  type ChunkVerdict,
  checkAeadKey,
  ownCopy,
  SEALED_LENGTH,
  type SubkeyAeads,
  TAG_LENGTH,
  XChaChaAead,
} from "@shadowfleet/wire";
import { NATIVE_ALGORITHMS, NATIVE_VERDICTS, type NativeAddon } from "./addon.ts";
import { keyPlace, LONGEST_SALT, NONCE_LENGTH, noncePlace, saltPlace, subkeyPlace } from "./hand-over.ts";

const CHACHA = NATIVE_ALGORITHMS.indexOf("chacha20-poly1305");

/** Used within one call only. */
const length = Buffer.alloc(2);
const state = new Int32Array(3);

/**
 * AES-GCM and ChaCha20-Poly1305 in C. There is no native memory to an `Aead`: the key lies here and goes along with every call, where setting
 * it costs some 40 ns. So a connection that ends leaves nothing to free.
 */
class NativeAead implements Aead {
  readonly tagLength = TAG_LENGTH;
  readonly nonceLength = NONCE_LENGTH;
  readonly #addon: NativeAddon;
  readonly #algorithm: number;
  /** With a salt, the master key: a single message derives its subkey in the same call, a stream of chunks replaces both by it. */
  #key: Buffer;
  #salt: Buffer | undefined;

  constructor(addon: NativeAddon, algorithm: number, key: Buffer, salt: Buffer | undefined) {
    this.#addon = addon;
    this.#algorithm = algorithm;
    this.#key = key;
    this.#salt = salt;
  }

  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    this.#addon.seal(this.#algorithm, keyPlace.put(this.#key), noncePlace.put(nonce), this.#saltPut(), src, start, end, dst, at);
  }

  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    return this.#addon.open(this.#algorithm, keyPlace.put(this.#key), noncePlace.put(nonce), this.#saltPut(), src, start, end, dst, at);
  }

  sealLength(nonce: Buffer, value: number, dst: Buffer, at: number): void {
    length.writeUInt16BE(value);
    this.seal(nonce, length, 0, 2, dst, at);
  }

  openLength(nonce: Buffer, src: Buffer, at: number): number {
    const key = keyPlace.put(this.#key);
    const salt = this.#saltPut();
    const subkey = salt === undefined ? undefined : subkeyPlace.view(key.length);
    if (!this.#addon.open(this.#algorithm, key, noncePlace.put(nonce), salt, src, at, at + SEALED_LENGTH, length, 0, subkey)) return -1;
    // A length is a stream's, which goes on under the subkey that the trial has derived.
    if (subkey !== undefined) this.#settleOnSubkey();
    return length.readUInt16BE();
  }

  sealChunks(nonce: Buffer, src: Buffer, start: number, end: number, maxChunk: number, dst: Buffer, at: number): number {
    if (this.#salt !== undefined) this.#settle(this.#salt);
    const written = this.#addon.sealChunks(
      this.#algorithm,
      keyPlace.put(this.#key),
      noncePlace.put(nonce),
      maxChunk,
      src,
      start,
      end,
      dst,
      at,
    );
    noncePlace.take(nonce);
    return written;
  }

  openChunks(run: ChunkRun, src: Buffer, start: number, end: number, dst: Buffer, at: number): ChunkVerdict {
    if (this.#salt !== undefined) this.#settle(this.#salt);
    state[0] = run.payloadLength;
    const verdict = this.#addon.openChunks(
      this.#algorithm,
      keyPlace.put(this.#key),
      noncePlace.put(run.nonce),
      run.maxChunk,
      src,
      start,
      end,
      dst,
      at,
      state,
    );
    noncePlace.take(run.nonce);
    run.payloadLength = state[0];
    run.consumed = state[1] as number;
    run.written = state[2] as number;
    return NATIVE_VERDICTS[verdict] as ChunkVerdict;
  }

  /** What its chunks are sealed and opened with outside of JavaScript. The key is not copied. */
  chunkKey(): ChunkKey {
    if (this.#salt !== undefined) this.#settle(this.#salt);
    return { algorithm: this.#algorithm, key: this.#key };
  }

  #saltPut(): Buffer | undefined {
    return this.#salt === undefined ? undefined : saltPlace.put(this.#salt);
  }

  #settle(salt: Buffer): void {
    this.#addon.deriveSubkey(keyPlace.put(this.#key), saltPlace.put(salt), subkeyPlace.view(this.#key.length));
    this.#settleOnSubkey();
  }

  #settleOnSubkey(): void {
    const { length } = this.#key;
    this.#key = ownCopy(subkeyPlace.view(length), 0, length);
    this.#salt = undefined;
  }
}

export interface ChunkKey {
  /** Its place in NATIVE_ALGORITHMS. */
  readonly algorithm: number;
  readonly key: Buffer;
}

/** Undefined: it is not one of the addon's, or not by itself. */
export function chunkKeyOf(aead: Aead): ChunkKey | undefined {
  return aead instanceof NativeAead ? aead.chunkKey() : undefined;
}

/** The backend on a loaded addon. XChaCha20 keeps its key derivation in TypeScript; its messages are ChaCha20's. */
export function createNativeBackend(addon: NativeAddon): AeadBackend {
  const chacha: ChaChaMessages = {
    seal: (key, nonce, src, start, end, dst, at) => void addon.seal(CHACHA, key, nonce, undefined, src, start, end, dst, at),
    open: (key, nonce, src, start, end, dst, at) => addon.open(CHACHA, key, nonce, undefined, src, start, end, dst, at),
  };

  function createAead(algorithm: AeadAlgorithm, key: Buffer): Aead {
    checkAeadKey(algorithm, key);
    if (algorithm === "xchacha20-poly1305") return new XChaChaAead(key, chacha);
    return new NativeAead(addon, NATIVE_ALGORITHMS.indexOf(algorithm), ownCopy(key, 0, key.length), undefined);
  }

  function subkeyAeads(algorithm: AeadAlgorithm, salt: Buffer): SubkeyAeads {
    if (salt.length > LONGEST_SALT) throw new RangeError(`a salt has at most ${LONGEST_SALT} bytes, not ${salt.length}`);
    if (algorithm === "xchacha20-poly1305") {
      return (key) => {
        checkAeadKey(algorithm, key);
        const subkey = Buffer.allocUnsafeSlow(key.length);
        addon.deriveSubkey(key, salt, subkey);
        return new XChaChaAead(subkey, chacha);
      };
    }
    const index = NATIVE_ALGORITHMS.indexOf(algorithm);
    return (key) => {
      checkAeadKey(algorithm, key);
      return new NativeAead(addon, index, key, salt);
    };
  }

  return { name: "native", createAead, subkeyAeads };
}
