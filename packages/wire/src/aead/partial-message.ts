import { shortCopy } from "../short-copy.ts";

/** Large buffers kept for reuse, so that a busy stream, which ends most reads inside a chunk, does not allocate one per read. */
const SPARE_BUFFERS = 32;

/** Messages up to this size get a buffer of their own size: a waiting connection should not hold a large one for a few bytes. */
const SMALL_MESSAGE = 4096;

/** Buffer sizes for larger messages: the largest payload of SIP004 (0x3fff) and of SIP022 (0xffff), each with its tag. */
const SIZES = [0x3fff + 16, 0xffff + 16] as const;

const spares = SIZES.map((): Buffer[] => []);

/** The beginning of a message whose rest has not arrived. */
export class PartialMessage {
  /** Holds at least `size` bytes, of which `filled` are valid. */
  readonly bytes: Buffer;
  readonly size: number;
  filled = 0;

  constructor(bytes: Buffer, size: number) {
    this.bytes = bytes;
    this.size = size;
  }

  get complete(): boolean {
    return this.filled === this.size;
  }

  /** Appends what is still missing, or as much of it as src[start, end) has. Returns the bytes taken. */
  fill(src: Buffer, start: number, end: number): number {
    const taken = Math.min(this.size - this.filled, end - start);
    shortCopy(src, start, start + taken, this.bytes, this.filled);
    this.filled += taken;
    return taken;
  }
}

const sizeClass = (size: number): number => (size <= SMALL_MESSAGE ? -1 : SIZES.findIndex((limit) => size <= limit));

/** An empty partial message for `size` bytes. */
export function takePartial(size: number): PartialMessage {
  const index = sizeClass(size);
  // A slice of Node's shared pool would keep the whole pool block alive for as long as this connection waits.
  if (index < 0) return new PartialMessage(Buffer.allocUnsafeSlow(size), size);
  return new PartialMessage(spares[index]?.pop() ?? Buffer.allocUnsafeSlow(SIZES[index] as number), size);
}

/** Gives the buffer back. The caller must not touch the message again. */
export function releasePartial(message: PartialMessage): void {
  const spare = spares[SIZES.indexOf(message.bytes.length as (typeof SIZES)[number])];
  if (spare !== undefined && spare.length < SPARE_BUFFERS) spare.push(message.bytes);
}
