import type { Connection } from "./connection.ts";
import type { Throttle, Waiter } from "./throttle.ts";

/** The flow whose intake is paced. */
export interface PacedFlow {
  readonly source: Connection;
  /** The sink has too much pending: nothing is to be moved. */
  readonly isBlocked: boolean;
  /** Moves bytes on; returns how many of payload that were. */
  move(src: Buffer, start: number, end: number): number;
  /** Passes the source's end on. */
  end(): void;
}

/** `reading`: as the flow likes. `waiting`: in line, the source paused. `parked`: had its turn while the sink was full; back in line when it drains. */
type PaceState = "reading" | "waiting" | "parked" | "stopped";

/**
 * Stands between a source and its flow where a throttle holds them back. What was read beyond the allowance is kept, at most the result of one
 * read, and moves on in pieces: a slow rate is smooth whatever the size of a read.
 */
export class Pace implements Waiter {
  readonly #flow: PacedFlow;
  #throttle: Throttle;
  #state: PaceState = "reading";
  #held: Buffer | undefined;
  #heldAt = 0;
  #endIsDue = false;

  constructor(flow: PacedFlow, throttle: Throttle) {
    this.#flow = flow;
    this.#throttle = throttle;
  }

  /** Begins to read as soon as something may move. */
  begin(): void {
    if (this.#throttle.allowance(1) > 0) this.#flow.source.resume();
    else this.#wait();
  }

  readonly onData = (src: Buffer, start: number, end: number): void => {
    const length = end - start;
    // A source that is paused may still have had something on the way.
    const allowed = this.#held === undefined ? this.#throttle.allowance(length) : 0;
    if (allowed > 0) this.#throttle.moved(this.#flow.move(src, start, start + allowed));
    if (this.#isStopped()) return;
    if (allowed < length) this.#hold(src, start + allowed, end);
    if (this.#state === "reading" && (allowed < length || this.#throttle.allowance(1) === 0)) this.#wait();
  };

  /** The source has ended. */
  sourceEnded(): void {
    if (this.#held === undefined) this.#flow.end();
    else this.#endIsDue = true;
  }

  /** The sink has room again. */
  drained(): void {
    if (this.#state === "parked") this.#wait();
    else if (this.#state === "reading") this.#flow.source.resume();
  }

  /** Follows another throttle from now on. */
  follow(throttle: Throttle): void {
    if (throttle === this.#throttle) return;
    this.#throttle.leave(this);
    this.#throttle = throttle;
    if (this.#state === "waiting") throttle.wait(this);
  }

  stop(): void {
    this.#state = "stopped";
    this.#held = undefined;
    this.#throttle.leave(this);
  }

  turn(): void {
    if (this.#state !== "waiting") return;
    if (this.#flow.isBlocked) {
      this.#state = "parked";
      return;
    }
    if (this.#held !== undefined) this.#moveHeld(this.#held);
    if (this.#isStopped()) return;
    if (this.#held !== undefined) {
      this.#throttle.wait(this);
      return;
    }
    this.#state = "reading";
    if (this.#endIsDue) this.#flow.end();
    else if (!this.#flow.isBlocked) this.#flow.source.resume();
  }

  #moveHeld(held: Buffer): void {
    const from = this.#heldAt;
    this.#heldAt += this.#throttle.allowance(held.length - from);
    if (this.#heldAt === held.length) this.#held = undefined;
    if (this.#heldAt > from) this.#throttle.moved(this.#flow.move(held, from, this.#heldAt));
  }

  #hold(src: Buffer, start: number, end: number): void {
    const rest = src.subarray(start, end);
    this.#held = this.#held === undefined ? Buffer.from(rest) : Buffer.concat([this.#held.subarray(this.#heldAt), rest]);
    this.#heldAt = 0;
  }

  #wait(): void {
    this.#state = "waiting";
    this.#flow.source.pause();
    this.#throttle.wait(this);
  }

  /** A method, because the compiler takes a state it has seen for the state after a call. */
  #isStopped(): boolean {
    return this.#state === "stopped";
  }
}
