/** A copy up to this length is cheaper done here than asked for. */
const SHORT = 64;

/**
 * Copies src[start, end) to dst[at, …), which has room. Returns where it ends there. For salts, keys and nonces: V8 keeps buffers of up to 64 bytes inside
 * its heap, and gives those that are handed to C++, which `Buffer.copy` does, memory outside for the rest of their life.
 */
export function shortCopy(src: Buffer, start: number, end: number, dst: Buffer, at: number): number {
  const length = end - start;
  if (length > SHORT) src.copy(dst, at, start, end);
  else for (let i = 0; i < length; i += 1) dst[at + i] = src[start + i] as number;
  return at + length;
}

/** src[start, end) in a buffer of its own, not a part of Node's shared pool, which would live as long as it. */
export function ownCopy(src: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  shortCopy(src, start, end, copy, 0);
  return copy;
}
