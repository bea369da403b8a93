/** Bytes of a SIP022 timestamp: Unix seconds as u64be. */
export const TIMESTAMP_LENGTH = 8;

/** How far apart the two clocks may be, either way, both ends included (SIP022 §3.1.3). */
export const MAX_CLOCK_SKEW_SECONDS = 30;

const HIGH_HALF = 2 ** 32;

/** Writes 8 bytes at dst[at]. */
export function writeTimestamp(dst: Buffer, at: number, unixSeconds: number): void {
  dst.writeUInt32BE(Math.floor(unixSeconds / HIGH_HALF), at);
  dst.writeUInt32BE(unixSeconds % HIGH_HALF, at + 4);
}

/** True when the 8 bytes at src[at] name a time within MAX_CLOCK_SKEW_SECONDS of `unixSeconds`. */
export function isTimely(src: Buffer, at: number, unixSeconds: number): boolean {
  // Beyond 2^53 the sum rounds, which leaves it as far outside as it was.
  const sentAt = src.readUInt32BE(at) * HIGH_HALF + src.readUInt32BE(at + 4);
  return Math.abs(unixSeconds - sentAt) <= MAX_CLOCK_SKEW_SECONDS;
}
