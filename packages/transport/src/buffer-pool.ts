const SMALL_BYTES = 4 * 1024;
const STEP_SHIFT = 14;
const STEP_BYTES = 1 << STEP_SHIFT;
const LARGEST_CLASS = 32;
const LARGEST_POOLED_BYTES = LARGEST_CLASS << STEP_SHIFT;
const DEFAULT_MAX_HELD_BYTES = 16 * 1024 * 1024;

// Steps of 16 KiB rather than powers of two: a sealed 64 KiB read is a little over 64 KiB and would otherwise cost 128.
const classOf = (bytes: number): number => (bytes <= SMALL_BYTES ? 0 : (bytes + STEP_BYTES - 1) >> STEP_SHIFT);
const sizeOf = (sizeClass: number): number => (sizeClass === 0 ? SMALL_BYTES : sizeClass << STEP_SHIFT);

/**
 * Scratch buffers by size class, last returned first taken so that the common case stays in the processor's cache. What lies unused is
 * bounded by `maxHeldBytes`; what is taken out is not counted. Buffers are not cleared: write before you send.
 */
export class BufferPool {
  readonly #maxHeldBytes: number;
  readonly #free: Buffer[][] = Array.from({ length: LARGEST_CLASS + 1 }, () => []);
  #heldBytes = 0;

  constructor(maxHeldBytes = DEFAULT_MAX_HELD_BYTES) {
    this.#maxHeldBytes = maxHeldBytes;
  }

  /** Bytes lying unused in the pool. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A buffer of at least `bytes` bytes, the caller's until given back. Above 512 KiB it is made to measure and never kept. */
  take(bytes: number): Buffer {
    if (bytes > LARGEST_POOLED_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const sizeClass = classOf(bytes);
    const buffer = this.#free[sizeClass]!.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(sizeOf(sizeClass));
    this.#heldBytes -= buffer.length;
    return buffer;
  }

  /** Takes back a buffer of `take`, once, when nothing (no pending write either) uses it any more. */
  give(buffer: Buffer): void {
    const bytes = buffer.length;
    if (bytes > LARGEST_POOLED_BYTES || this.#heldBytes + bytes > this.#maxHeldBytes) return;
    this.#free[classOf(bytes)]!.push(buffer);
    this.#heldBytes += bytes;
  }
}
