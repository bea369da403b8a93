/** What every stream of the suite carries: a fixed block over and over, so that both ends know each byte by its place. */
const LENGTH = 64 * 1024;
const BLOCK = Buffer.alloc(LENGTH);
for (let at = 0; at < LENGTH; at++) BLOCK[at] = (at * 31 + (at >> 8) * 7) & 0xff;

/** The bytes from `offset` of the stream on, at most so many. */
export function patternFrom(offset: number, length: number): Buffer {
  const at = offset % LENGTH;
  return BLOCK.subarray(at, Math.min(LENGTH, at + length));
}

/** Whether these bytes are those of the stream from `offset` on. */
export function matchesPattern(bytes: Buffer, offset: number): boolean {
  for (let done = 0; done < bytes.length; ) {
    const expected = patternFrom(offset + done, bytes.length - done);
    if (!expected.equals(bytes.subarray(done, done + expected.length))) return false;
    done += expected.length;
  }
  return true;
}
