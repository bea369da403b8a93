import { sourceNetwork } from "@shadowfleet/relay";
import type { Clock } from "@shadowfleet/runtime";
import { type Connection, hear } from "@shadowfleet/transport";
import { StrangerCrowd, type Waiting } from "./stranger-crowd.ts";

/** Why a stranger's time is up: its deadline has passed, or newer ones need its place. */
export type Expiry = "HANDSHAKE_TIMEOUT" | "HANDSHAKE_LIMIT";

/** A connection that has not proven to hold a key (yet), as the silent drain sees it. */
export interface Stranger extends Waiting<Stranger> {
  readonly clientHost: string;
  /** By the monotonic clock. */
  readonly acceptedMs: number;
  /** Told when its time is up; closes the connection, for either reason alike. */
  expire(reason: Expiry): void;
}

/** Most strangers at a time. */
export interface StrangerLimits {
  readonly perSource: number;
  readonly total: number;
}

/** Asked at every accept, so that a reload applies to new connections. */
export interface SilentDrainOptions {
  readonly clock: Clock;
  readonly timeoutMs: () => number;
  readonly limits: () => StrangerLimits;
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
    const source = sourceNetwork(stranger.clientHost);
    const limits = this.#options.limits();
    if (waited?.place) {
      this.#crowd.leaveSource(waited);
      this.#makeRoomInSource(source, limits);
      this.#crowd.follow(waited, stranger, source);
      return;
    }
    const timeoutMs = this.#options.timeoutMs();
    this.#makeRoomInSource(source, limits);
    while (this.#crowd.size >= limits.total) this.#displace(this.#crowd.oldest!, "total");
    this.#crowd.add(stranger, source, stranger.acceptedMs + timeoutMs);
    this.#sweepIn(timeoutMs);
  }

  /** Stops the deadline: the peer has proven a key, or has closed. */
  release(stranger: Stranger): void {
    this.#crowd.delete(stranger);
  }

  /** From now on the connection is read and discarded until its deadline, or until the peer ends it. */
  discard(client: Connection): void {
    client.onData = ignore;
    client.onDrain = ignore;
    hear(client, { onEnd: () => client.destroy() });
    if (client.ended) client.destroy();
    else client.resume();
  }

  #makeRoomInSource(source: string, { perSource }: StrangerLimits): void {
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
      if (stranger.place!.deadlineMs > now) break;
      this.release(stranger);
      stranger.expire("HANDSHAKE_TIMEOUT");
    }
    if (this.#crowd.size > 0) this.#sweepIn(this.#options.timeoutMs());
  }
}

function ignore(): void {}
