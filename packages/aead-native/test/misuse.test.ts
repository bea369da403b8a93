import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import { NATIVE_ALGORITHMS, type NativeAddon } from "../src/addon.ts";
import { missingCompiler, testAddon } from "./test-addon.ts";

const AES_256 = NATIVE_ALGORITHMS.indexOf("aes-256-gcm");
const TAG = 16;
const FILL = 0xee;
const AWAITING_LENGTH = -1;

type Call = (...values: unknown[]) => unknown;
type FunctionName = "seal" | "open" | "sealChunks" | "openChunks" | "deriveSubkey";

/** Arguments that each function accepts. */
function goodArguments(name: FunctionName): unknown[] {
  const key = Buffer.alloc(32, 1);
  const nonce = Buffer.alloc(12);
  const src = Buffer.alloc(100, 2);
  const dst = Buffer.alloc(300, FILL);
  switch (name) {
    case "seal":
      return [AES_256, key, nonce, Buffer.alloc(32, 3), src, 10, 90, dst, 5];
    case "open":
      return [AES_256, key, nonce, Buffer.alloc(32, 3), src, 10, 90, dst, 5, Buffer.alloc(32, FILL)];
    case "sealChunks":
      return [AES_256, key, nonce, 16, src, 10, 90, dst, 5];
    case "openChunks":
      return [AES_256, key, nonce, 16, src, 10, 90, dst, 5, Int32Array.of(AWAITING_LENGTH, 0, 0)];
    case "deriveSubkey":
      return [key, Buffer.alloc(32, 3), Buffer.alloc(32, FILL)];
  }
}

/** Salt and subkey may be undefined. */
const isOptional = (name: FunctionName, place: number): boolean =>
  (name === "seal" && place === 3) || (name === "open" && [3, 9].includes(place));

const NAMES: readonly FunctionName[] = ["seal", "open", "sealChunks", "openChunks", "deriveSubkey"];
const NEITHER = [undefined, null, "1", {}, [], 1n, Symbol("x"), true, () => 1, new ArrayBuffer(32)] as const;
const ODD_NUMBERS = [
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -0.5,
  2 ** 31,
  2 ** 32,
  2 ** 32 + 10,
  2 ** 53,
  2 ** 64,
  -(2 ** 32) + 10,
];

function detached(length: number): Buffer {
  const buffer = Buffer.alloc(length);
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
  return buffer;
}

/** The call throws, and nothing that it was given has changed. */
function refuses(call: Call, values: readonly unknown[], kinds: readonly ErrorConstructor[], what: string): void {
  const copies = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : undefined));
  let thrown: unknown;
  try {
    call(...values);
  } catch (error) {
    thrown = error;
  }
  assert.ok(
    kinds.some((kind) => thrown instanceof kind),
    `${what}: ${thrown}`,
  );
  for (const [i, copy] of copies.entries()) assert.ok(copy === undefined || copy.equals(values[i] as Buffer), what);
}

describe("what the addon is called with", { skip: missingCompiler ?? false }, () => {
  const addon = missingCompiler === undefined ? testAddon() : ({} as NativeAddon);
  const call = (name: FunctionName): Call => addon[name] as Call;

  it("is accepted when it is right", () => {
    for (const name of NAMES) assert.doesNotThrow(() => call(name)(...goodArguments(name)), name);
    assert.equal(call("open")(...goodArguments("open")), false);
  });

  for (const name of NAMES) {
    it(`${name}: is refused when one argument has the wrong type or is missing`, () => {
      const good = goodArguments(name);
      for (const [place, right] of good.entries()) {
        for (const wrong of [...NEITHER, typeof right === "number" ? Buffer.alloc(2) : 3]) {
          if (wrong === undefined && isOptional(name, place)) continue;
          refuses(call(name), good.with(place, wrong), [TypeError, RangeError], `${name}(…${place}: ${String(wrong)})`);
        }
      }
      for (let count = 0; count < good.length; count += 1) {
        if (!isOptional(name, count)) refuses(call(name), good.slice(0, count), [TypeError], `${name} of ${count}`);
      }
    });

    it(`${name}: is refused when a number is out of its range`, () => {
      const good = goodArguments(name);
      for (const [place, right] of good.entries()) {
        if (typeof right !== "number") continue;
        for (const odd of ODD_NUMBERS) refuses(call(name), good.with(place, odd), [RangeError], `${name}(…${place}: ${odd})`);
      }
    });

    it(`${name}: is refused when a buffer is too short, detached or of no length`, () => {
      const good = goodArguments(name);
      for (const [place, right] of good.entries()) {
        if (!(right instanceof Uint8Array)) continue;
        const isSalt = right.length === 32 && right[0] === 3;
        for (const short of [Buffer.alloc(0), Buffer.alloc(4), detached(right.length)]) {
          if (isSalt) assert.doesNotThrow(() => call(name)(...goodArguments(name).with(place, short)));
          else refuses(call(name), good.with(place, short), [RangeError], `${name}(…${place}: ${short.length} bytes)`);
        }
        if (isSalt) refuses(call(name), good.with(place, Buffer.alloc(65)), [RangeError], "a long salt");
      }
    });
  }

  it("is refused when source and destination overlap, and accepted when they only touch", () => {
    const memory = Buffer.alloc(200, 4);
    const seal = (from: number, end: number, at: number) =>
      call("seal")(AES_256, Buffer.alloc(32), Buffer.alloc(12), undefined, memory, from, end, memory, at);
    assert.throws(() => seal(0, 50, 0), RangeError);
    assert.throws(() => seal(0, 50, 49), RangeError);
    assert.throws(() => seal(65, 115, 0), RangeError);
    assert.doesNotThrow(() => seal(0, 50, 50));
    assert.doesNotThrow(() => seal(66, 116, 0));
  });

  it("is refused when the opened payload has no room, with nothing of it written", () => {
    const key = Buffer.alloc(32, 1);
    const sealed = Buffer.alloc(18 + 40 + TAG);
    call("sealChunks")(AES_256, key, Buffer.alloc(12), 100, Buffer.alloc(40, 7), 0, 40, sealed, 0);
    for (let room = 0; room <= 40; room += 1) {
      const dst = Buffer.alloc(room + 10, FILL);
      const open = () =>
        call("openChunks")(AES_256, key, Buffer.alloc(12), 100, sealed, 0, sealed.length, dst, 10, Int32Array.of(AWAITING_LENGTH, 0, 0));
      if (room < 40) assert.throws(open, RangeError);
      else assert.equal(open(), 0);
      assert.ok(dst.equals(Buffer.concat([Buffer.alloc(10, FILL), Buffer.alloc(room, room < 40 ? FILL : 7)])));
    }
  });

  it("is refused when the state of a stream is none", () => {
    const good = goodArguments("openChunks");
    for (const state of [Int32Array.of(-2, 0, 0), Int32Array.of(0x10000, 0, 0)]) {
      assert.throws(() => call("openChunks")(...good.with(9, state)), RangeError);
    }
    for (const state of [new Int32Array(2), new Uint32Array(3), new Float64Array(3), Buffer.alloc(12), [0, 0, 0]]) {
      assert.throws(() => call("openChunks")(...good.with(9, state)), TypeError);
    }
  });

  it("may be anything at random: an error or a result, and nothing beside the destination is written", () => {
    const random = new PseudoRandom(7);
    const anyOffset = (): unknown => (random.below(10) === 0 ? ODD_NUMBERS[random.below(ODD_NUMBERS.length)] : random.below(160));
    const counts = { thrown: 0, returned: 0 };
    for (let round = 0; round < 20_000; round += 1) {
      const name = NAMES[random.below(4)] as FunctionName;
      const memory = Buffer.alloc(600, FILL);
      const from = random.below(200);
      const dst = memory.subarray(from, from + random.below(300));
      const values = goodArguments(name).map((right) => {
        if (typeof right === "number") return anyOffset();
        if (right instanceof Int32Array) return Int32Array.of(random.below(0x10002) - 1, 0, 0);
        return right;
      });
      values[0] = random.below(6);
      if (random.below(3) !== 0) values[1] = Buffer.alloc([16, 24, 32, 32][values[0] as number] ?? 32);
      values[4] = Buffer.alloc(random.below(200), 2);
      values[7] = dst;
      try {
        call(name)(...values);
        counts.returned += 1;
      } catch (error) {
        assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
        counts.thrown += 1;
      }
      const end = from + dst.length;
      const start = typeof values[8] === "number" && values[8] > 0 ? Math.min(end, from + Math.trunc(values[8])) : from;
      assert.ok(memory.subarray(0, start).every((byte) => byte === FILL) && memory.subarray(end).every((byte) => byte === FILL));
    }
    assert.ok(counts.thrown > 1_000 && counts.returned > 500, JSON.stringify(counts));
  });
});
