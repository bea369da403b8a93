import assert from "node:assert/strict";
import { feed, type PseudoRandom, type Split } from "@shadowfleet/testkit";
import { FAILED, type StreamTransform } from "@shadowfleet/wire";
import { mutateBytes } from "../harness/mutators.ts";

const MOST_CUTS = 6;

/** The bytes as several reads; now and then byte by byte. */
export function randomSplit(bytes: Buffer, random: PseudoRandom): Split {
  const isBytewise = bytes.length < 400 && random.below(16) === 0;
  const count = isBytewise ? bytes.length : random.below(MOST_CUTS + 1);
  const near = Math.min(bytes.length, 128);
  const cuts = Array.from({ length: count }, (_, i) => (isBytewise ? i : random.below(random.below(2) === 0 ? near : bytes.length)));
  const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
  const pieces = edges.slice(1).flatMap((end, i) => (end > edges[i]! ? [bytes.subarray(edges[i], end)] : []));
  return { label: `cut at ${cuts.join(", ")}`, pieces };
}

export const whole = (bytes: Buffer): Split => ({ label: "whole", pieces: bytes.length === 0 ? [] : [bytes] });

/** Two times in three as it is, otherwise damaged on its way. */
export function perhapsDamaged(bytes: Buffer, random: PseudoRandom): { readonly bytes: Buffer; readonly isDamaged: boolean } {
  if (random.below(3) !== 0) return { bytes, isDamaged: false };
  const damaged = mutateBytes(bytes, random, bytes);
  return { bytes: damaged, isDamaged: !damaged.equals(bytes) };
}

const GUARD = 5;
const FILL = 0xee;

/** Pushes one piece into exactly as much room as `bound` asks for, and sees that nothing beside it is touched. Undefined: FAILED. */
export function pushGuarded(transform: StreamTransform, src: Buffer, start: number, end: number): Buffer | undefined {
  const bound = transform.bound(end - start);
  assert.ok(
    Number.isSafeInteger(bound) && bound >= 0 && bound <= 200_000 + 3 * (end - start),
    `a bound of ${bound} for ${end - start} bytes`,
  );
  const room = Buffer.alloc(GUARD + bound + GUARD, FILL);
  const written = transform.push(src, start, end, room, GUARD);
  for (let i = 0; i < GUARD; i += 1)
    assert.ok(room[i] === FILL && room[room.length - 1 - i] === FILL, "nothing beside the room is written");
  if (written === FAILED) {
    assert.ok(transform.failure !== undefined, "who fails says why");
    return undefined;
  }
  assert.ok(written >= 0 && written <= bound, `${written} written where at most ${bound} were announced`);
  return room.subarray(GUARD, GUARD + written);
}

/** What came out of a stream, and how it ended: "open", or the failure. */
export interface Delivered {
  readonly plain: Buffer;
  readonly end: string;
}

export function deliver(transform: StreamTransform, split: Split, fed = 0): Delivered {
  const plain: Buffer[] = [];
  const rest: Split = { label: split.label, pieces: split.pieces.slice(fed) };
  const failed = feed(rest, (src, start, end) => {
    const opened = pushGuarded(transform, src, start, end);
    if (opened === undefined) return true;
    plain.push(Buffer.from(opened));
    return undefined;
  });
  if (failed) assert.equal(transform.push(Buffer.alloc(1), 0, 1, Buffer.alloc(64), 0), FAILED, "failed once, failed for ever");
  return { plain: Buffer.concat(plain), end: failed ? String(transform.failure) : "open" };
}

/** `part` is how `all` begins. */
export function assertPrefix(part: Buffer, all: Buffer, what: string): void {
  assert.ok(part.length <= all.length && part.equals(all.subarray(0, part.length)), `${what}: what was delivered is not what was sent`);
}
