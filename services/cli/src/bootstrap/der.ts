/** ASN.1 values in DER (X.690), as far as certificates need them. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
const SHORT_LENGTH_MAX = 0x7f;

/** What UTCTime cannot say any more (RFC 5280 §4.1.2.5). */
const GENERALIZED_FROM_YEAR = 2050;

function value(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), lengthOf(content), content]);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length <= SHORT_LENGTH_MAX) return Buffer.of(length);
  const bytes = length > 0xff ? [length >> 8, length & 0xff] : [length];
  return Buffer.of(CONTEXT | bytes.length, ...bytes);
}

export const sequence = (...parts: readonly Buffer[]): Buffer => value(TAG.sequence, Buffer.concat(parts));

export const setOf = (part: Buffer): Buffer => value(TAG.set, part);

export const booleanTrue: Buffer = value(TAG.boolean, Buffer.of(0xff));

/** Not negative. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.of(0) : bytes.subarray(first);
  return value(TAG.integer, digits[0]! > 0x7f ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

export const bitString = (bytes: Buffer, unusedBits = 0): Buffer => value(TAG.bitString, Buffer.concat([Buffer.of(unusedBits), bytes]));

export const octetString = (bytes: Buffer): Buffer => value(TAG.octetString, bytes);

export const utf8String = (text: string): Buffer => value(TAG.utf8String, Buffer.from(text));

/** "1.2.840.10045.4.3.2". */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return value(TAG.objectId, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(number: number): number[] {
  const digits = [number & 0x7f];
  for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

/** Whole seconds. */
export function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().replace(/\.\d+/, "").replaceAll(/[-:T]/g, "")}`;
  const isLate = new Date(ms).getUTCFullYear() >= GENERALIZED_FROM_YEAR;
  return isLate ? value(TAG.generalizedTime, Buffer.from(digits)) : value(TAG.utcTime, Buffer.from(digits.slice(2)));
}

/** `[number]` around a whole value. */
export const explicit = (number: number, content: Buffer): Buffer => value(CONTEXT | CONSTRUCTED | number, content);

/** `[number]` instead of a value's own tag. */
export const implicit = (number: number, bytes: Buffer): Buffer => value(CONTEXT | number, bytes);
