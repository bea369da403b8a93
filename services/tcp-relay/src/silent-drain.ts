import type { Clock } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";

/** A connection that has not proven to hold a key (yet), as the silent drain sees it. */
export interface Stranger {
  /** Told when the deadline has passed; closes the connection. */
  expire(): void;
}

/** The deadline is met this much late at most, as a share of it, and within these bounds: one timer serves all connections. */
const SWEEPS_PER_DEADLINE = 8;
const MIN_SWEEP_MS = 20;
const MAX_SWEEP_MS = 1000;

/**
 * The one way in which connections end that never showed a valid key: wrong key, replay, malformed header, garbage, or silence. What they send
 * is read and thrown away, no byte is ever answered, and they are closed when the peer closes or at the deadline after accept, whichever is
 * first. A prober learns neither why nor after how many bytes it failed, because a handshake that is still incomplete looks the same.
 */
export class SilentDrain {
  readonly #clock: Clock;
  readonly #timeoutMs: () => number;
  /** In order of accept, and therefore, while the timeout does not change, of deadline. */
  readonly #deadlines = new Map<Stranger, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `timeoutMs` is asked at every accept, so that a reload applies to new connections. */
  constructor(clock: Clock, timeoutMs: () => number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Connections whose deadline runs. */
  get size(): number {
    return this.#deadlines.size;
  }

  /** Starts the deadline: to be called at accept, before anything is read. */
  watch(stranger: Stranger): void {
    const timeoutMs = this.#timeoutMs();
    this.#deadlines.set(stranger, this.#clock.monotonic() + timeoutMs);
    this.#sweepIn(timeoutMs);
  }

  /** Stops the deadline: the peer has proven a key, or has closed. */
  release(stranger: Stranger): void {
    this.#deadlines.delete(stranger);
  }

  /** From now on the connection is read and discarded until its deadline, or until the peer ends it. */
  discard(client: Connection): void {
    client.onData = ignore;
    client.onDrain = ignore;
    client.onEnd = () => client.destroy();
    client.resume();
  }

  #sweepIn(timeoutMs: number): void {
    if (this.#timer) return;
    const pauseMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, timeoutMs / SWEEPS_PER_DEADLINE));
    this.#timer = setTimeout(() => this.#sweep(), pauseMs);
    this.#timer.unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const [stranger, deadline] of this.#deadlines) {
      if (deadline > now) break;
      this.#deadlines.delete(stranger);
      stranger.expire();
    }
    if (this.#deadlines.size > 0) this.#sweepIn(this.#timeoutMs());
  }
}

function ignore(): void {}
