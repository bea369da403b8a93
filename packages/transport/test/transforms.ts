import { FAILED, type StreamTransform, type WireFailure } from "@shadowfleet/wire";

const XOR_KEY = 0x5a;

/** Every byte turned over: a copy that is not the input, byte for byte. */
export class XorTransform implements StreamTransform {
  failure: WireFailure | undefined = undefined;
  atBoundary = true;

  bound(length: number): number {
    return length;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    for (let i = start; i < end; i += 1) dst[dstStart + i - start] = src[i]! ^ XOR_KEY;
    return end - start;
  }
}

export const xored = (data: Buffer): Buffer => Buffer.from(data.map((byte) => byte ^ XOR_KEY));

/** Writes every read twice, so that input and output lengths differ. */
export class DoublingTransform extends XorTransform {
  override bound(length: number): number {
    return 2 * length;
  }

  override push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    src.copy(dst, dstStart, start, end);
    return end - start + src.copy(dst, dstStart + end - start, start, end);
  }
}

/** Chunks of `chunkBytes`; an incomplete one is held back. */
export class ChunkedTransform extends XorTransform {
  readonly #chunkBytes: number;
  #held = Buffer.alloc(0);

  constructor(chunkBytes: number) {
    super();
    this.#chunkBytes = chunkBytes;
  }

  override bound(length: number): number {
    return this.#held.length + length;
  }

  override push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    const all = Buffer.concat([this.#held, src.subarray(start, end)]);
    const whole = all.length - (all.length % this.#chunkBytes);
    all.copy(dst, dstStart, 0, whole);
    this.#held = all.subarray(whole);
    this.atBoundary = this.#held.length === 0;
    return whole;
  }
}

/** Passes `goodBytes`, then fails for good: together with the last good bytes of a read, or with nothing, as `tellsGood` says. */
export class FailingTransform extends XorTransform {
  readonly #tellsGood: boolean;
  #goodBytes: number;

  constructor(goodBytes: number, tellsGood: boolean) {
    super();
    this.#goodBytes = goodBytes;
    this.#tellsGood = tellsGood;
  }

  override push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    const good = Math.min(end - start, this.#goodBytes);
    this.#goodBytes -= good;
    if (good === end - start) return src.copy(dst, dstStart, start, end);
    this.failure = "AUTH_FAILED";
    return this.#tellsGood && good > 0 ? src.copy(dst, dstStart, start, start + good) : FAILED;
  }
}
