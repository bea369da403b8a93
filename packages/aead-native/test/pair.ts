import assert from "node:assert/strict";
import type { PseudoRandom } from "@shadowfleet/testkit";
import {
  AEAD_KEY_LENGTHS,
  type Aead,
  type AeadAlgorithm,
  type AeadBackend,
  AWAITING_LENGTH,
  type ChunkRun,
  type ChunkVerdict,
  nodeBackend,
} from "@shadowfleet/wire";

const ALGORITHMS = Object.keys(AEAD_KEY_LENGTHS) as AeadAlgorithm[];
const TAG = 16;
const FILL = 0xee;

/** Mostly short, now and then longer than two chunks. */
function randomLength(random: PseudoRandom): number {
  const limit = [1, 20, 100, 1500, 1500, 40_000][random.below(6)] as number;
  return random.below(limit);
}

/** A buffer with room before and behind, so that offsets matter. */
function surrounded(random: PseudoRandom, length: number): { readonly bytes: Buffer; readonly at: number } {
  const at = random.below(20);
  return { bytes: Buffer.alloc(at + length + random.below(20), FILL), at };
}

/** The same key in both implementations, which must never differ. */
export class Pair {
  readonly #random: PseudoRandom;
  readonly #native: Aead;
  readonly #pure: Aead;

  constructor(native: AeadBackend, random: PseudoRandom) {
    const algorithm = ALGORITHMS[random.below(ALGORITHMS.length)] as AeadAlgorithm;
    const key = random.bytes(AEAD_KEY_LENGTHS[algorithm]);
    const salt = random.below(2) === 0 ? undefined : random.bytes([16, 24, 32, 64][random.below(4)] as number);
    const create = (backend: AeadBackend) => (salt ? backend.subkeyAeads(algorithm, salt)(key) : backend.createAead(algorithm, key));
    this.#random = random;
    this.#native = create(native);
    this.#pure = create(nodeBackend);
  }

  /** One message there and back, sometimes changed on its way. */
  message(): void {
    const random = this.#random;
    const nonce = random.bytes(this.#pure.nonceLength);
    const length = randomLength(random);
    const src = surrounded(random, length);
    random.fill(src.bytes);
    const sealed = surrounded(random, length + TAG);
    const expected = Buffer.from(sealed.bytes);
    this.#native.seal(nonce, src.bytes, src.at, src.at + length, sealed.bytes, sealed.at);
    this.#pure.seal(nonce, src.bytes, src.at, src.at + length, expected, sealed.at);
    assert.ok(sealed.bytes.equals(expected), "the same ciphertext and nothing beside it");

    const isChanged = this.#change(sealed.bytes, sealed.at, length + TAG);
    const opened = surrounded(random, length);
    const unwritten = Buffer.from(opened.bytes);
    const verdict = this.#native.open(nonce, sealed.bytes, sealed.at, sealed.at + length + TAG, opened.bytes, opened.at);
    assert.equal(verdict, !isChanged);
    src.bytes.copy(unwritten, opened.at, src.at, src.at + length);
    if (isChanged) unwritten.fill(0, opened.at, opened.at + length);
    assert.ok(opened.bytes.equals(unwritten), "the plaintext or zeros, and nothing beside it");
  }

  /** A length by itself. */
  length(): void {
    const random = this.#random;
    const nonce = random.bytes(this.#pure.nonceLength);
    const value = random.below(0x1_0000);
    const sealed = surrounded(random, 2 + TAG);
    const expected = Buffer.from(sealed.bytes);
    this.#native.sealLength(nonce, value, sealed.bytes, sealed.at);
    this.#pure.sealLength(nonce, value, expected, sealed.at);
    assert.ok(sealed.bytes.equals(expected));
    const isChanged = this.#change(sealed.bytes, sealed.at, 2 + TAG);
    assert.equal(this.#native.openLength(nonce, sealed.bytes, sealed.at), isChanged ? -1 : value);
  }

  /** A stream of chunks in any pieces, sometimes broken, sometimes with longer chunks than its reader allows. */
  stream(): void {
    const random = this.#random;
    const nonces = [random.bytes(this.#pure.nonceLength)];
    nonces.push(Buffer.from(nonces[0] as Buffer));
    const run = (nonce: Buffer, maxChunk: number): ChunkRun => {
      return { nonce, maxChunk, payloadLength: AWAITING_LENGTH, consumed: 0, written: 0 };
    };
    const start = Buffer.from(nonces[0] as Buffer);
    const maxChunk = [1, 7, 100, 0x3fff, 0xffff][random.below(5)] as number;
    const length = Math.min(randomLength(random), maxChunk * 60);
    const src = surrounded(random, length);
    random.fill(src.bytes);
    const chunks = Math.ceil(length / maxChunk);
    const size = length + chunks * (2 + 2 * TAG);
    const sealed = surrounded(random, size);
    const expected = Buffer.from(sealed.bytes);
    for (const [i, aead] of [this.#native, this.#pure].entries()) {
      const into = i === 0 ? sealed.bytes : expected;
      assert.equal(aead.sealChunks(nonces[i] as Buffer, src.bytes, src.at, src.at + length, maxChunk, into, sealed.at), size);
    }
    assert.ok(sealed.bytes.equals(expected) && nonces[0]?.equals(nonces[1] as Buffer));

    this.#change(sealed.bytes, sealed.at, size);
    const limit = random.below(8) === 0 ? Math.max(1, maxChunk >> 1) : maxChunk;
    this.#openInPieces(sealed.bytes, sealed.at, size, [run(Buffer.from(start), limit), run(start, limit)]);
  }

  #openInPieces(sealed: Buffer, at: number, size: number, [native, pure]: readonly [ChunkRun, ChunkRun]): void {
    const random = this.#random;
    const pieces = 1 + random.below(6);
    let from = at;
    for (let piece = 0; piece < pieces; piece += 1) {
      const end = piece === pieces - 1 ? at + size : Math.min(at + size, from + random.below(size + 1));
      const opened = surrounded(random, end - from);
      const expected = Buffer.from(opened.bytes);
      const verdict: ChunkVerdict = this.#pure.openChunks(pure, sealed, from, end, expected, opened.at);
      assert.equal(this.#native.openChunks(native, sealed, from, end, opened.bytes, opened.at), verdict);
      assert.deepEqual(native, pure);
      if (verdict !== "ok") {
        // What was authentic is in both; of the rest, one leaves zeros and the other what was there.
        for (const [i, byte] of opened.bytes.entries()) assert.ok(byte === expected[i] || byte === 0);
        return;
      }
      assert.ok(opened.bytes.equals(expected));
      from += native.consumed;
    }
  }

  /** Changes one bit there, one time in three. */
  #change(bytes: Buffer, at: number, length: number): boolean {
    const random = this.#random;
    if (length === 0 || random.below(3) !== 0) return false;
    const place = at + random.below(length);
    bytes[place] = (bytes[place] as number) ^ (1 << random.below(8));
    return true;
  }
}
