import { sourceNetwork } from "@shadowfleet/relay";
import type { Clock } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";
import { StrangerCrowd } from "./stranger-crowd.ts";

/** Why a stranger's time is up: its deadline has passed, or newer ones need its place. */
export type Expiry = "HANDSHAKE_TIMEOUT" | "HANDSHAKE_LIMIT";

/** A connection that has not proven to hold a key (yet), as the silent drain sees it. */
export interface Stranger {
  readonly clientHost: string;
  /** Told when its time is up; closes the connection, for either reason alike. */
  expire(reason: Expiry): void;
}

/** Asked at every accept, so that a reload applies to new connections. */
export interface SilentDrainOptions {
  readonly clock: Clock;
  readonly timeoutMs: () => number;
  /** Most strangers at a time, from one source and in all. */
  readonly limits: () => { readonly perSource: number; readonly total: number };
}

/** The deadline is met this much late at most, as a share of it, and within these bounds: one timer serves all connections. */
const SWEEPS_PER_DEADLINE = 8;
const MIN_SWEEP_MS = 20;
const MAX_SWEEP_MS = 1000;

/**
 * The one way in which connections end that never showed a valid key: wrong key, replay, malformed header, garbage, or silence. What they send
 * is read and thrown away, no byte is ever answered, and they are closed when the peer closes or at the deadline after accept, whichever is
 * first. A prober learns neither why nor after how many bytes it failed, because a handshake that is still incomplete looks the same.
 *
 * Where strangers are too many, the one that came first goes, refused or not: an honest client needs its place for a round trip, a flood for
 * as long as it can, so the flood displaces itself.
 */
export class SilentDrain {
  /** Strangers that had to make room, by the limit that was reached. */
  readonly displaced = { source: 0, total: 0 };
  readonly #options: SilentDrainOptions;
  /** In order of accept, and therefore, while the timeout does not change, of deadline. */
  readonly #crowd = new StrangerCrowd<Stranger>();
  readonly #deadlines = new Map<Stranger, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SilentDrainOptions) {
    this.#options = options;
  }

  /** Connections whose deadline runs. */
  get size(): number {
    return this.#crowd.size;
  }

  /**
   * Starts the deadline: to be called at accept, before anything is read. `waited`: what was watched so far and is this stranger, whose address only a
   * header has told; its deadline and its place among all go on.
   */
  watch(stranger: Stranger, waited?: Stranger): void {
    const { clock } = this.#options;
    const timeoutMs = this.#options.timeoutMs();
    const source = sourceNetwork(stranger.clientHost);
    const deadline = waited && this.#deadlines.get(waited);
    if (waited && deadline !== undefined) {
      this.#deadlines.delete(waited);
      this.#crowd.leaveSource(waited);
      this.#makeRoomInSource(source);
      this.#crowd.follow(waited, stranger, source);
      this.#deadlines.set(stranger, deadline);
      return;
    }
    this.#makeRoom(source);
    this.#crowd.add(stranger, source);
    this.#deadlines.set(stranger, clock.monotonic() + timeoutMs);
    this.#sweepIn(timeoutMs);
  }

  /** Stops the deadline: the peer has proven a key, or has closed. */
  release(stranger: Stranger): void {
    this.#crowd.delete(stranger);
    this.#deadlines.delete(stranger);
  }

  /** From now on the connection is read and discarded until its deadline, or until the peer ends it. */
  discard(client: Connection): void {
    client.onData = ignore;
    client.onDrain = ignore;
    client.onEnd = () => client.destroy();
    if (client.ended) client.destroy();
    else client.resume();
  }

  #makeRoom(source: string): void {
    const { total } = this.#options.limits();
    this.#makeRoomInSource(source);
    while (this.#crowd.size >= total) this.#displace(this.#crowd.oldest!, "total");
  }

  #makeRoomInSource(source: string): void {
    const { perSource } = this.#options.limits();
    while (this.#crowd.sizeOf(source) >= perSource) this.#displace(this.#crowd.oldestOf(source)!, "source");
  }

  #displace(stranger: Stranger, limit: keyof SilentDrain["displaced"]): void {
    this.displaced[limit] += 1;
    this.release(stranger);
    stranger.expire("HANDSHAKE_LIMIT");
  }

  #sweepIn(timeoutMs: number): void {
    if (this.#timer) return;
    const pauseMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, timeoutMs / SWEEPS_PER_DEADLINE));
    this.#timer = setTimeout(() => this.#sweep(), pauseMs);
    this.#timer.unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#options.clock.monotonic();
    for (const stranger of this.#crowd) {
      if (this.#deadlines.get(stranger)! > now) break;
      this.release(stranger);
      stranger.expire("HANDSHAKE_TIMEOUT");
    }
    if (this.#crowd.size > 0) this.#sweepIn(this.#options.timeoutMs());
  }
}

function ignore(): void {}
