import { FAILED, type StreamTransform } from "@shadowfleet/wire";
import type { BufferPool } from "./buffer-pool.ts";
import type { Connection } from "./connection.ts";
import type { NativeFlow } from "./native-flow.ts";
import { Pace, type PacedFlow } from "./pace.ts";
import type { Throttle } from "./throttle.ts";

export interface FlowObserver {
  /** So much payload has moved. */
  flowMoved(flow: Flow, bytes: number): void;
  /** Told once when a direction cannot go on. */
  flowBroken(flow: Flow, code: "STREAM_CORRUPT" | "STREAM_TRUNCATED"): void;
}

export interface FlowOptions {
  readonly source: Connection;
  readonly sink: Connection;
  /** Undefined copies. */
  readonly transform: StreamTransform | undefined;
  /** Which end carries payload: "in" counts what is read, "out" what is sent. */
  readonly counts: "in" | "out";
  readonly pool: BufferPool;
  readonly observer: FlowObserver;
  /** Undefined: as fast as it goes. */
  readonly throttle: Throttle | undefined;
}

/** The source is paused while the sink has so much pending, so a flow holds at most this much plus the result of one read, or two with a throttle. */
export const HIGH_WATER_BYTES = 128 * 1024;

/** Reads after which a flow goes on natively where it can: a short connection is over before that pays. */
const READS_BEFORE_NATIVE = 3;

/** Those that run natively, whose counts are behind. */
const natives = new Set<Flow>();

/** Brings the counts of everything that moves natively up to date: before a meter is read. */
export function settleFlows(): void {
  for (const flow of natives) flow.settle();
}

/**
 * One direction of a pump: one read, one transform into a scratch buffer, one write. The scratch is free again at once when the kernel took all
 * of it, the common case; else it stays with the pending write and returns to the pool on drain. Also plain copies go through a scratch: a write
 * straight from the shared read buffer would still point into it while pending, when the next read overwrites it. A flow that lasts goes on in the addon
 * once nothing but chunks is left of its stream, and comes back at its end or when a throttle is put on it.
 */
export class Flow implements PacedFlow {
  /** True once the source's end was passed on. */
  finished = false;
  /** Set whenever something moves; cleared by whoever watches for idleness. */
  moved = false;
  readonly source: Connection;
  readonly sink: Connection;
  readonly #transform: StreamTransform | undefined;
  readonly #countsIn: boolean;
  readonly #pool: BufferPool;
  readonly #observer: FlowObserver;
  /** Scratches the sink's pending writes point into. */
  readonly #lent: Buffer[] = [];
  #paused = false;
  #pace: Pace | undefined;
  #reads = 0;
  #native: NativeFlow | undefined;
  #state: "new" | "running" | "stopped" = "new";

  constructor(options: FlowOptions) {
    this.source = options.source;
    this.sink = options.sink;
    this.#transform = options.transform;
    this.#countsIn = options.counts === "in";
    this.#pool = options.pool;
    this.#observer = options.observer;
    if (options.throttle) this.#pace = new Pace(this, options.throttle);
  }

  get isBlocked(): boolean {
    return this.#paused;
  }

  /** Takes the source's data and end and the sink's drain from now on, and starts reading. */
  start(): void {
    this.#state = "running";
    this.source.onData = this.#pace?.onData ?? this.move;
    this.source.onEnd = this.#onEnd;
    this.sink.onDrain = this.#onDrain;
    if (this.source.ended) this.#onEnd();
    else if (this.sink.pendingBytes >= HIGH_WATER_BYTES) this.#paused = true;
    else if (this.#pace) this.#pace.begin();
    else this.source.resume();
  }

  /** Holds it back by this throttle from now on, whatever it was before. */
  throttle(throttle: Throttle): void {
    if (this.#state === "stopped") return;
    this.#goOnHere();
    if (this.#pace) {
      this.#pace.follow(throttle);
      return;
    }
    this.#pace = new Pace(this, throttle);
    if (this.#state === "running") this.source.onData = this.#pace.onData;
  }

  /** Moves nothing any more. What the sink still has pending stays with it. */
  stop(): void {
    this.#goOnHere();
    this.source.onData = ignore;
    this.source.onEnd = ignore;
    this.#paused = false;
    this.#state = "stopped";
    this.#pace?.stop();
  }

  /** Call when the sink is closed: no write points into the scratches any more. */
  release(): void {
    // Setting an array's length is a call into V8, which most connections need not make.
    if (this.#lent.length === 0) return;
    for (const scratch of this.#lent) this.#pool.give(scratch);
    this.#lent.length = 0;
  }

  readonly move = (src: Buffer, start: number, end: number): number => {
    const transform = this.#transform;
    const scratch = this.#pool.take(transform === undefined ? end - start : transform.bound(end - start));
    const written = transform === undefined ? src.copy(scratch, 0, start, end) : transform.push(src, start, end, scratch, 0);
    this.moved = true;
    const payload = this.#countsIn ? end - start : Math.max(0, written);
    if (payload > 0) this.#observer.flowMoved(this, payload);
    if (written > 0) this.#send(scratch, written);
    else this.#pool.give(scratch);
    if (written === FAILED || transform?.failure !== undefined) this.#observer.flowBroken(this, "STREAM_CORRUPT");
    else if (++this.#reads >= READS_BEFORE_NATIVE) this.#goOnNatively();
    return payload;
  };

  /** Counts what was moved natively. */
  settle(): void {
    const native = this.#native;
    if (native === undefined) return;
    if (native.hasMoved) this.moved = true;
    const bytes = native.takeBytes();
    if (bytes > 0) this.#observer.flowMoved(this, bytes);
  }

  #goOnNatively(): void {
    const chunks = this.#transform?.chunks;
    if (chunks === undefined || chunks.seals !== this.#countsIn || this.#pace || this.#paused || this.#state !== "running") return;
    this.#native = this.source.flowTo?.(this.sink, chunks, this.#onCorrupt);
    if (this.#native !== undefined) natives.add(this);
  }

  #goOnHere(): void {
    if (this.#native === undefined) return;
    this.#native.end();
    this.settle();
    this.#native = undefined;
    natives.delete(this);
    if (this.sink.pendingBytes < HIGH_WATER_BYTES) return;
    this.#paused = true;
    this.source.pause();
  }

  readonly #onCorrupt = (): void => this.#observer.flowBroken(this, "STREAM_CORRUPT");

  #send(scratch: Buffer, length: number): void {
    const sink = this.sink;
    if (sink.send(scratch.subarray(0, length))) {
      this.#pool.give(scratch);
      return;
    }
    this.#lent.push(scratch);
    if (!this.#paused && sink.pendingBytes >= HIGH_WATER_BYTES) {
      this.#paused = true;
      this.source.pause();
    }
  }

  readonly #onDrain = (): void => {
    this.moved = true;
    this.release();
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#pace) this.#pace.drained();
    else this.source.resume();
  };

  readonly #onEnd = (): void => {
    this.#goOnHere();
    if (this.#pace) this.#pace.sourceEnded();
    else this.end();
  };

  end(): void {
    this.moved = true;
    if (this.#transform?.atBoundary === false) {
      this.#observer.flowBroken(this, "STREAM_TRUNCATED");
      return;
    }
    this.finished = true;
    this.sink.end();
  }
}

function ignore(): void {}
