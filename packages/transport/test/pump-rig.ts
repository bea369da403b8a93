import assert from "node:assert/strict";
import type net from "node:net";
import type { TestContext } from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import { BufferPool } from "../src/buffer-pool.ts";
import { CachingResolver } from "../src/caching-resolver.ts";
import type { Connection } from "../src/connection.ts";
import { type ByteMeter, type Pump, type PumpOptions, type PumpResult, startPump } from "../src/pump.ts";
import { Sweeper } from "../src/sweeper.ts";
import { dialOf } from "./dial-of.ts";
import { LOOPBACK, pair, plainServer } from "./loopback.ts";

/** Knows how many of its buffers are out. */
export class CountingPool extends BufferPool {
  out = 0;
  /** Ever. */
  taken = 0;

  override take(bytes: number): Buffer {
    this.taken += 1;
    this.out += 1;
    return super.take(bytes);
  }

  override give(buffer: Buffer): void {
    this.out -= 1;
    super.give(buffer);
  }
}

/** A pump between two real sockets, not started yet, and the plain sockets at the far ends. */
export interface PumpRig {
  /** The client's own socket. */
  readonly client: net.Socket;
  /** The target's own socket. */
  readonly target: net.Socket;
  /** The pump's two connections. */
  readonly near: { readonly client: Connection; readonly target: Connection };
  readonly meter: ByteMeter;
  readonly pool: CountingPool;
  readonly clock: ManualClock;
  readonly sweeper: Sweeper;
  readonly done: Promise<PumpResult>;
  /** How often the end was reported. */
  readonly reports: PumpResult[];
  start(options?: Partial<PumpOptions>): Pump;
}

export async function pumpRig(t: TestContext): Promise<PumpRig> {
  const { connection: nearClient, far: client } = await pair(t);
  const { port, accepted } = await plainServer(t);
  const dialled = await dialOf({ host: LOOPBACK, port, timeoutMs: 5_000, resolver: new CachingResolver() });
  assert.ok(dialled.ok);
  const near = { client: nearClient, target: dialled.connection };
  t.after(() => near.target.destroy());
  const meter: ByteMeter = { up: 0, down: 0 };
  const pool = new CountingPool();
  const clock = new ManualClock();
  const sweeper = new Sweeper(clock);
  const reports: PumpResult[] = [];
  const done = Promise.withResolvers<PumpResult>();
  const onDone = (result: PumpResult): void => {
    reports.push(result);
    done.resolve(result);
  };
  const start = (options: Partial<PumpOptions> = {}): Pump =>
    startPump(
      { ...near, up: undefined, down: undefined, plainSide: "target", meter, carriedUp: 0, idleTimeoutMs: 0, onDone, ...options },
      { pool, sweeper },
    );
  return { client, target: await accepted, near, meter, pool, clock, sweeper, done: done.promise, reports, start };
}
