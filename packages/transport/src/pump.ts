import type { ErrorCode } from "@shadowfleet/runtime";
import type { StreamTransform } from "@shadowfleet/wire";
import { BufferPool } from "./buffer-pool.ts";
import type { Connection } from "./connection.ts";
import { Flow, type FlowObserver } from "./flow.ts";
import { hear } from "./hear.ts";
import { resetWhenDelivered } from "./lingering-reset.ts";
import { NOWHERE } from "./places.ts";
import { type Sweepable, Sweeper } from "./sweeper.ts";
import type { Throttles } from "./throttle.ts";

/** Payload bytes by direction, named from the client: up is client to target. Plain fields: added to on every read, read at flush or scrape. */
export interface ByteMeter {
  up: number;
  down: number;
}

export interface PumpOptions {
  readonly client: Connection;
  /** The far side: the target in a relay, the upstream relay in a gateway. */
  readonly target: Connection;
  /** Applied client to target; undefined copies. */
  readonly up: StreamTransform | undefined;
  /** Applied target to client; undefined copies. */
  readonly down: StreamTransform | undefined;
  /** Which side carries plaintext, so that payload bytes are counted there: "target" in a relay, "client" in a gateway. */
  readonly plainSide: "client" | "target";
  /** Counted live, as bytes move. */
  readonly meter: ByteMeter;
  /** Payload bytes already sent up before the pump started (with the request); counted with the rest. */
  readonly carriedUp: number;
  /** Ends with IDLE_TIMEOUT when nothing moves for so long in either direction. 0: never. */
  readonly idleTimeoutMs: number;
  /** Holds both directions back. Undefined: as fast as it goes. */
  readonly throttles?: Throttles | undefined;
  /** Exactly once, when both connections are closed. */
  readonly onDone: (result: PumpResult) => void;
}

export interface PumpResult {
  readonly outcome: "OK" | ErrorCode;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A running two-way relay between two connections: backpressure, half-close kept both ways, bounded memory. */
export interface Pump {
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Holds both directions back by these from now on, whatever did before. */
  throttle(throttles: Throttles): void;
  /** Closes both sides now; `onDone` reports this code. */
  terminate(code: ErrorCode): void;
}

/** What pumps share in a process. */
export interface PumpShared {
  readonly pool: BufferPool;
  readonly sweeper: Sweeper;
}

const processShared: PumpShared = { pool: new BufferPool(), sweeper: new Sweeper() };

/**
 * Takes over both connections (all their handlers) and relays until both are closed. Bytes held per direction, whatever the peers do, are at
 * most `HIGH_WATER_BYTES` plus the result of one read, or two with a throttle. A side that breaks, a corrupt or a truncated stream ends the other side by RST after what
 * was already decrypted has been delivered. `shared` is the process's own; tests pass theirs.
 */
export function startPump(options: PumpOptions, shared: PumpShared = processShared): Pump {
  const pump = new TwoWayPump(options, shared);
  pump.start();
  return pump;
}

class TwoWayPump implements Pump, FlowObserver, Sweepable {
  sweepPlace = NOWHERE;
  #bytesUp: number;
  #bytesDown = 0;
  readonly #options: PumpOptions;
  readonly #sweeper: Sweeper;
  readonly #up: Flow;
  readonly #down: Flow;
  /** Why it ends; undefined while it runs or when both ends were passed on. */
  #code: ErrorCode | undefined;
  #movedAtMs: number;

  constructor(options: PumpOptions, { pool, sweeper }: PumpShared) {
    const { client, target, meter, carriedUp, throttles } = options;
    this.#options = options;
    this.#sweeper = sweeper;
    this.#movedAtMs = sweeper.nowMs;
    this.#bytesUp = carriedUp;
    meter.up += carriedUp;
    if (carriedUp > 0) throttles?.up.moved(carriedUp);
    this.#up = new Flow({
      source: client,
      sink: target,
      transform: options.up,
      counts: options.plainSide === "client" ? "in" : "out",
      pool,
      observer: this,
      throttle: throttles?.up,
    });
    this.#down = new Flow({
      source: target,
      sink: client,
      transform: options.down,
      counts: options.plainSide === "target" ? "in" : "out",
      pool,
      observer: this,
      throttle: throttles?.down,
    });
  }

  get bytesUp(): number {
    this.#up.settle();
    return this.#bytesUp;
  }

  get bytesDown(): number {
    this.#down.settle();
    return this.#bytesDown;
  }

  start(): void {
    const { client, target, idleTimeoutMs } = this.#options;
    hear(client, { onClose: (error) => this.#clientClosed(error) });
    hear(target, { onClose: (error) => this.#targetClosed(error) });
    if (idleTimeoutMs > 0) this.#sweeper.add(this);
    if (client.closed || target.closed) {
      // Closed before it was ours to hear of. Not from within `startPump`, whose caller does not have the pump yet.
      queueMicrotask(() => (client.closed ? client : target).onClose(undefined));
      return;
    }
    this.#up.start();
    if (this.#code === undefined) this.#down.start();
  }

  throttle({ up, down }: Throttles): void {
    this.#up.throttle(up);
    this.#down.throttle(down);
  }

  terminate(code: ErrorCode): void {
    this.#break(code);
    this.#options.client.reset();
    this.#options.target.reset();
  }

  flowMoved(flow: Flow, bytes: number): void {
    const { meter } = this.#options;
    if (flow === this.#up) {
      this.#bytesUp += bytes;
      meter.up += bytes;
    } else {
      this.#bytesDown += bytes;
      meter.down += bytes;
    }
  }

  flowBroken(flow: Flow, code: ErrorCode): void {
    this.#break(code);
    flow.source.reset();
    resetWhenDelivered(flow.sink);
  }

  sweep(nowMs: number): void {
    this.#up.settle();
    this.#down.settle();
    if (this.#up.moved || this.#down.moved) {
      this.#up.moved = false;
      this.#down.moved = false;
      this.#movedAtMs = nowMs;
    } else if (nowMs - this.#movedAtMs >= this.#options.idleTimeoutMs) {
      this.terminate("IDLE_TIMEOUT");
    }
  }

  #clientClosed(error: Error | undefined): void {
    this.#down.release();
    if (this.#options.target.closed) this.#finish();
    else this.#closedFirst(this.#options.target, error, "RELAY_CLIENT_ERROR");
  }

  #targetClosed(error: Error | undefined): void {
    this.#up.release();
    if (this.#options.client.closed) this.#finish();
    else this.#closedFirst(this.#options.client, error, "RELAY_TARGET_ERROR");
  }

  /** One side is closed, `other` still open. */
  #closedFirst(other: Connection, error: Error | undefined, code: ErrorCode): void {
    const bothEnded = this.#up.finished && this.#down.finished;
    if (this.#code !== undefined || (bothEnded && error === undefined)) return;
    this.#break(code);
    // When both directions have ended the other side is only writing out what it has, and closes by itself.
    if (!bothEnded) resetWhenDelivered(other);
  }

  /** From here on nothing moves; the first reason is the one reported. */
  #break(code: ErrorCode): void {
    this.#code ??= code;
    this.#up.stop();
    this.#down.stop();
  }

  #finish(): void {
    this.#sweeper.delete(this);
    const { bytesUp, bytesDown } = this;
    this.#options.onDone({ outcome: this.#code ?? "OK", bytesUp, bytesDown });
  }
}
