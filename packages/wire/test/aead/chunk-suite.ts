import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AEAD_KEY_LENGTHS, type Aead, type AeadAlgorithm, type AeadBackend } from "../../src/aead/aead.ts";
import { ChunkOpener } from "../../src/aead/chunk-opener.ts";
import { ChunkSealer } from "../../src/aead/chunk-sealer.ts";
import { createNonce, incrementNonce } from "../../src/aead/nonce.ts";
import { FAILED } from "../../src/stream.ts";
import { flipped, pushAll, pushPieces } from "../sip022/fixtures.ts";

const TAG = 16;
const SEALED_LENGTH = 2 + TAG;
const ALGORITHMS = Object.keys(AEAD_KEY_LENGTHS) as AeadAlgorithm[];
const SIP004_CHUNK = 0x3fff;
const SIP022_CHUNK = 0xffff;

/** Bytes that do not repeat. */
function noise(length: number): Buffer {
  const out = Buffer.alloc(length);
  for (let at = 0, n = 0; at < length; at += 32, n += 1) createHash("sha256").update(`${n}`).digest().copy(out, at);
  return out;
}

/** A stream of chunks of the given payloads, sealed message by message. */
function sealParts(aead: Aead, payloads: readonly Buffer[], announced = payloads.map((payload) => payload.length)): Buffer {
  const nonce = createNonce(aead.nonceLength);
  const parts: Buffer[] = [];
  const add = (plaintext: Buffer): void => {
    const sealed = Buffer.alloc(plaintext.length + TAG);
    aead.seal(nonce, plaintext, 0, plaintext.length, sealed, 0);
    incrementNonce(nonce);
    parts.push(sealed);
  };
  for (const [i, payload] of payloads.entries()) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(announced[i] as number);
    add(length);
    add(payload);
  }
  return Buffer.concat(parts);
}

/** What every `AeadBackend` must do with streams of chunks, behind the sealer and the opener that use it. */
export function chunkSuite(backend: AeadBackend): void {
  const aeadOf = (algorithm: AeadAlgorithm): Aead => backend.createAead(algorithm, Buffer.alloc(AEAD_KEY_LENGTHS[algorithm], 3));

  for (const algorithm of ALGORITHMS) {
    describe(`chunks under ${algorithm} of ${backend.name}`, () => {
      it("round-trip in any pieces, within the bounds", () => {
        const sizes = fc.constantFrom(0, 1, 2, 33, 1400, SIP004_CHUNK, SIP004_CHUNK + 1, 70_000);
        const maxChunk = fc.constantFrom(SIP004_CHUNK, SIP022_CHUNK);
        fc.assert(
          fc.property(fc.array(sizes, { maxLength: 4 }), maxChunk, fc.array(fc.nat(), { maxLength: 8 }), (writes, max, seeds) => {
            const sealer = new ChunkSealer(aeadOf(algorithm), max);
            const plaintexts = writes.map(noise);
            const sealed = Buffer.concat(plaintexts.map((plaintext) => pushAll(sealer, plaintext)));
            const cuts = seeds.map((seed) => seed % (sealed.length + 1)).sort((a, b) => a - b);
            const opener = new ChunkOpener(aeadOf(algorithm), max);
            assert.deepEqual(pushPieces(opener, sealed, cuts), Buffer.concat(plaintexts));
            assert.equal(opener.atBoundary, true);
          }),
          { numRuns: 30 },
        );
      });

      it("open byte by byte, and know where a chunk ends", () => {
        const payloads = ["one", "", "three", "x".repeat(40)].map((text) => Buffer.from(text));
        const sealed = sealParts(aeadOf(algorithm), payloads);
        const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
        const ends = new Set<number>([0]);
        for (const [i, payload] of payloads.entries()) ends.add([...ends][i]! + SEALED_LENGTH + payload.length + TAG);
        const opened: Buffer[] = [];
        for (let at = 0; at < sealed.length; at += 1) {
          assert.equal(opener.atBoundary, ends.has(at), `after ${at} bytes`);
          opened.push(pushAll(opener, sealed.subarray(at, at + 1)));
        }
        assert.equal(opener.atBoundary, true);
        assert.equal(Buffer.concat(opened).toString(), payloads.join(""));
      });

      it("open split at every offset", () => {
        const payloads = ["first chunk", "second"].map((text) => Buffer.from(text));
        const sealed = sealParts(aeadOf(algorithm), payloads);
        for (let cut = 0; cut <= sealed.length; cut += 1) {
          const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
          assert.deepEqual(pushPieces(opener, sealed, [cut]), Buffer.concat(payloads));
        }
      });

      it("fail for good with any byte flipped, having shown nothing but what was authentic before", () => {
        const payloads = ["alpha", "beta"].map((text) => Buffer.from(text));
        const sealed = sealParts(aeadOf(algorithm), payloads);
        const secondAt = SEALED_LENGTH + 5 + TAG;
        for (let at = 0; at < sealed.length; at += 1) {
          const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
          const bad = flipped(sealed, at);
          const dst = Buffer.alloc(sealed.length);
          const first = opener.push(bad, 0, secondAt, dst, 0);
          assert.equal(first, at < secondAt ? FAILED : 5, `byte ${at}`);
          assert.equal(opener.push(bad, secondAt, bad.length, dst, 5), FAILED);
          assert.equal(opener.push(sealed, 0, sealed.length, dst, 0), FAILED);
          assert.equal(opener.failure, "AUTH_FAILED");
          const shown = at < secondAt ? "" : "alpha";
          assert.ok(dst.subarray(shown.length).equals(Buffer.alloc(dst.length - shown.length)));
        }
      });

      it("never take a truncated stream for a whole one", () => {
        const sealed = sealParts(aeadOf(algorithm), [Buffer.from("alpha"), Buffer.from("beta")]);
        const firstEnd = SEALED_LENGTH + 5 + TAG;
        for (let length = 1; length < sealed.length; length += 1) {
          const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
          const opened = pushAll(opener, sealed.subarray(0, length));
          assert.equal(opened.toString(), length < firstEnd ? "" : "alpha");
          assert.equal(opener.atBoundary, length === firstEnd, `${length} bytes`);
        }
      });
    });
  }

  describe(`chunk opener on ${backend.name}`, () => {
    const algorithm = "aes-256-gcm";

    it("refuses an authentic length beyond the limit, with either of the top bits of SIP004", () => {
      for (const length of [0x4000, 0x8000, 0xffff]) {
        const sealed = sealParts(aeadOf(algorithm), [Buffer.alloc(8)], [length]);
        const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
        assert.equal(opener.push(sealed, 0, sealed.length, Buffer.alloc(opener.bound(sealed.length)), 0), FAILED);
        assert.equal(opener.failure, "BAD_HEADER");
      }
    });

    it("refuses a bad length as soon as its 18 bytes are there", () => {
      const sealed = sealParts(aeadOf(algorithm), [Buffer.alloc(8)], [0x4000]);
      const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
      const dst = Buffer.alloc(64);
      assert.equal(opener.push(sealed, 0, SEALED_LENGTH - 1, dst, 0), 0);
      assert.equal(opener.push(sealed, SEALED_LENGTH - 1, SEALED_LENGTH, dst, 0), FAILED);
    });

    it("takes a header message and an announced payload before its chunks", () => {
      const sealer = new ChunkSealer(aeadOf(algorithm), SIP022_CHUNK);
      const sealed = Buffer.alloc(200);
      let at = sealer.sealMessage(Buffer.from("header"), 0, 6, sealed, 0);
      at += sealer.sealMessage(Buffer.from("payload"), 0, 7, sealed, at);
      at += sealer.push(Buffer.from("chunk"), 0, 5, sealed, at);

      for (let cut = 6 + TAG; cut <= at; cut += 1) {
        const opener = new ChunkOpener(aeadOf(algorithm), SIP022_CHUNK);
        const header = Buffer.alloc(6);
        assert.equal(opener.openMessage(sealed, 0, 6 + TAG, header, 0), true);
        assert.equal(header.toString(), "header");
        opener.expectPayload(7);
        assert.equal(opener.atBoundary, false);
        const rest = sealed.subarray(6 + TAG, at);
        assert.equal(pushPieces(opener, rest, [cut - 6 - TAG]).toString(), "payloadchunk");
      }
    });

    it("starts at the second nonce when the first message was opened elsewhere", () => {
      const sealed = sealParts(aeadOf(algorithm), [Buffer.from("hello"), Buffer.from("world")]);
      const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK, 1);
      opener.expectPayload(5);
      assert.equal(pushAll(opener, sealed.subarray(SEALED_LENGTH)).toString(), "helloworld");
    });

    it("fails for good after a header message that does not open", () => {
      const sealed = sealParts(aeadOf(algorithm), [Buffer.from("hello")]);
      const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
      assert.equal(opener.openMessage(flipped(sealed, 0), 0, SEALED_LENGTH, Buffer.alloc(2), 0), false);
      assert.equal(opener.failure, "AUTH_FAILED");
      assert.equal(opener.openMessage(sealed, 0, SEALED_LENGTH, Buffer.alloc(2), 0), false);
      assert.equal(opener.push(sealed, 0, sealed.length, Buffer.alloc(64), 0), FAILED);
    });

    it("refuses a header message shorter than a tag", () => {
      const opener = new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK);
      assert.equal(opener.openMessage(Buffer.alloc(15), 0, 15, Buffer.alloc(16), 0), false);
      assert.equal(opener.failure, "AUTH_FAILED");
    });

    it("keeps interleaved streams apart while they share spare buffers", () => {
      const openers = Array.from({ length: 40 }, () => new ChunkOpener(aeadOf(algorithm), SIP004_CHUNK));
      const plaintexts = openers.map((_, i) => Buffer.alloc(3 * SIP004_CHUNK, i));
      const streams = plaintexts.map((plaintext) => pushAll(new ChunkSealer(aeadOf(algorithm), SIP004_CHUNK), plaintext));
      const opened = openers.map((): Buffer[] => []);
      for (let at = 0; at < streams[0]!.length; at += 10_007) {
        for (const [i, opener] of openers.entries()) opened[i]!.push(pushAll(opener, streams[i]!.subarray(at, at + 10_007)));
      }
      for (const [i, parts] of opened.entries()) assert.ok(Buffer.concat(parts).equals(plaintexts[i]!));
    });

    it("takes a large chunk byte by byte", () => {
      const sealed = pushAll(new ChunkSealer(aeadOf(algorithm), SIP022_CHUNK), Buffer.alloc(SIP022_CHUNK));
      const opener = new ChunkOpener(aeadOf(algorithm), SIP022_CHUNK);
      const dst = Buffer.alloc(opener.bound(SIP022_CHUNK));
      for (let at = 0; at < sealed.length - 1; at += 1) assert.equal(opener.push(sealed, at, at + 1, dst, 0), 0);
      assert.equal(opener.push(sealed, sealed.length - 1, sealed.length, dst, 0), SIP022_CHUNK);
    });
  });

  describe(`chunk sealer on ${backend.name}`, () => {
    it("writes nothing for nothing and exactly its bound otherwise", () => {
      const sealer = new ChunkSealer(aeadOf("aes-256-gcm"), SIP004_CHUNK);
      for (const length of [0, 1, SIP004_CHUNK, SIP004_CHUNK + 1, 70_000]) {
        const dst = Buffer.alloc(sealer.bound(length));
        assert.equal(sealer.push(Buffer.alloc(length), 0, length, dst, 0), dst.length);
      }
    });
  });
}
