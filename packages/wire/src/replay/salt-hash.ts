import { randomInt } from "node:crypto";

const WORD = 4;
/** Rounds after the last word. */
const FINAL_ROUNDS = 3;

/** Of this process: who sends salts cannot tell which of them meet in a table. */
const KEY_0 = randomInt(2 ** 32) | 0;
const KEY_1 = randomInt(2 ** 32) | 0;

/** HalfSipHash-1-3 of the bytes, 32 bits, under a key of this process alone. For tables. */
export function saltHash(bytes: Buffer): number {
  const { length } = bytes;
  const words = length >> 2;
  let v0 = KEY_0;
  let v1 = KEY_1;
  let v2 = KEY_0 ^ 0x6c796765;
  let v3 = KEY_1 ^ 0x74656462;
  for (let i = 0; i <= words + FINAL_ROUNDS; i += 1) {
    const word = i < words ? wordAt(bytes, i * WORD) : i === words ? lastWord(bytes, i * WORD) : 0;
    if (i === words + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}

function wordAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** What is left of the bytes, and their number. */
function lastWord(bytes: Buffer, from: number): number {
  let word = bytes.length << 24;
  for (let at = from; at < bytes.length; at += 1) word |= bytes[at]! << (8 * (at - from));
  return word;
}
