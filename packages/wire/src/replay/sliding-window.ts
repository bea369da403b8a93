const BLOCK_BITS = 32;
const BLOCK_SHIFT = 5;
/** Blocks in the ring; a power of two, so that a block's place is a mask of its number. */
const BLOCKS = 256;
const BLOCK_MASK = BLOCKS - 1;
/** 2^32 / BLOCK_BITS: block numbers per unit of an id's high half. */
const BLOCKS_PER_HIGH = 2 ** (32 - BLOCK_SHIFT);

/** How far behind the newest packet id an id may lie: ring minus two blocks, as wide as WireGuard's (RFC 6479) and shadowsocks-rust's. */
export const WINDOW_WIDTH = (BLOCKS - 2) * BLOCK_BITS;

/**
 * Packet ids seen in one UDP session (SIP022 §3.2.4): a bit ring as in RFC 6479, which clears whole blocks when it moves on instead of
 * shifting. 1 KiB per session. An id is a u64 in two u32 halves, as it is read from the wire: a number cannot hold it, a bigint costs an
 * allocation per packet.
 *
 * `check` and `add` are separate so that nothing unauthenticated moves the window: check, then authenticate what is left, then add.
 */
export class SlidingWindow {
  readonly #ring = new Uint32Array(BLOCKS);
  #newestHigh = 0;
  #newestLow = 0;

  /** True when the id is neither seen before nor too old. Changes nothing. */
  check(high: number, low: number): boolean {
    // Exact below 2^53, and beyond that the rounded difference still has the right sign and is far outside the window.
    const ahead = (high - this.#newestHigh) * 2 ** 32 + (low - this.#newestLow);
    if (ahead > 0) return true;
    if (-ahead >= WINDOW_WIDTH) return false;
    return ((this.#ring[blockOf(low)] as number) & bitOf(low)) === 0;
  }

  /** Remembers an id that `check` accepted; with no other packet in between. */
  add(high: number, low: number): void {
    const ahead = (high - this.#newestHigh) * 2 ** 32 + (low - this.#newestLow);
    if (ahead > 0) {
      const blocksAhead = (high - this.#newestHigh) * BLOCKS_PER_HIGH + ((low >>> BLOCK_SHIFT) - (this.#newestLow >>> BLOCK_SHIFT));
      const newestBlock = blockOf(this.#newestLow);
      for (let i = 1; i <= Math.min(blocksAhead, BLOCKS); i += 1) this.#ring[(newestBlock + i) & BLOCK_MASK] = 0;
      this.#newestHigh = high;
      this.#newestLow = low;
    }
    this.#ring[blockOf(low)] = (this.#ring[blockOf(low)] as number) | bitOf(low);
  }
}

const blockOf = (low: number): number => (low >>> BLOCK_SHIFT) & BLOCK_MASK;
const bitOf = (low: number): number => 1 << (low & (BLOCK_BITS - 1));
