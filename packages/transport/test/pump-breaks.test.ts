import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { systemClock } from "@shadowfleet/runtime";
import { startPump } from "../src/pump.ts";
import { Sweeper } from "../src/sweeper.ts";
import { after, drainSocket, type Received, until } from "./loopback.ts";
import { type PumpRig, pumpRig } from "./pump-rig.ts";
import { ChunkedTransform, FailingTransform } from "./transforms.ts";

const MIB = 1024 * 1024;
const SIDES = ["client", "target"] as const;

const other = (side: "client" | "target"): "client" | "target" => (side === "client" ? "target" : "client");

function assertReset({ ended, error }: Received): void {
  assert.deepEqual([ended, error?.code], [false, "ECONNRESET"], "a break must not look like an end of stream");
}

async function assertOver(rig: PumpRig): Promise<void> {
  await rig.done;
  await after(20);
  assert.equal(rig.reports.length, 1);
  assert.equal(rig.near.client.closed && rig.near.target.closed, true);
  assert.equal(rig.pool.out, 0, "every scratch came back");
  assert.equal(rig.sweeper.size, 0);
}

test("a reset on one side resets the other, behind what was under way to it", { timeout: 10_000 }, async (t) => {
  for (const side of SIDES) {
    const rig = await pumpRig(t);
    rig.start();
    const received = drainSocket(rig[other(side)]);
    rig[side].write(Buffer.alloc(100_000));
    await until(() => rig.meter.up + rig.meter.down === 100_000);
    rig[side].resetAndDestroy();
    assertReset(await received);
    assert.equal((await received).bytes, 100_000);
    assert.equal((await rig.done).outcome, side === "client" ? "RELAY_CLIENT_ERROR" : "RELAY_TARGET_ERROR");
    await assertOver(rig);
  }
});

test("a reset with much pending to a peer that reads late loses nothing of it", { timeout: 10_000 }, async (t) => {
  const rig = await pumpRig(t);
  rig.start();
  // Not through the pump, which would pause the target and so not hear of its reset.
  rig.near.client.send(Buffer.alloc(8 * MIB));
  rig.target.resetAndDestroy();
  await after(400);
  assert.ok(rig.near.client.pendingBytes > 0);
  const received = await drainSocket(rig.client);
  assert.equal(received.bytes, 8 * MIB);
  assertReset(received);
  await assertOver(rig);
});

test("when both have ended, a break on one side leaves the other all its time", { timeout: 10_000 }, async (t) => {
  const rig = await pumpRig(t);
  rig.start();
  rig.near.client.send(Buffer.alloc(8 * MIB));
  rig.near.target.send(Buffer.alloc(8 * MIB));
  rig.client.end();
  rig.target.end();
  await until(() => rig.near.client.ended && rig.near.target.ended);
  rig.client.resetAndDestroy();
  await until(() => rig.near.client.closed);
  await after(2_300);
  const received = await drainSocket(rig.target);
  assert.deepEqual([received.bytes, received.ended], [8 * MIB, true]);
  assert.equal((await rig.done).outcome, "RELAY_CLIENT_ERROR");
  await assertOver(rig);
});

test("a peer that never reads does not keep a broken session alive", { timeout: 10_000 }, async (t) => {
  const rig = await pumpRig(t);
  rig.start();
  rig.near.client.send(Buffer.alloc(32 * MIB));
  assert.ok(rig.near.client.pendingBytes > 0);
  rig.target.resetAndDestroy();
  const started = performance.now();
  assert.equal((await rig.done).outcome, "RELAY_TARGET_ERROR");
  assert.ok(performance.now() - started < 4_000);
  await assertOver(rig);
});

for (const tellsGood of [true, false]) {
  test(`a corrupt stream: what was good ${tellsGood ? "also in the same read " : ""}is delivered, then both sides are reset`, {
    timeout: 10_000,
  }, async (t) => {
    for (const side of SIDES) {
      const rig = await pumpRig(t);
      const failing = new FailingTransform(80_000, tellsGood);
      rig.start(side === "client" ? { up: failing } : { down: failing });
      const toVictim = drainSocket(rig[other(side)]);
      const toCulprit = drainSocket(rig[side]);
      rig[side].write(Buffer.alloc(70_000));
      await until(() => rig.meter.up + rig.meter.down >= 70_000);
      rig[side].write(Buffer.alloc(20_000));
      assertReset(await toVictim);
      assertReset(await toCulprit);
      assert.equal((await toVictim).bytes, tellsGood ? 80_000 : 70_000);
      assert.equal((await rig.done).outcome, "STREAM_CORRUPT");
      await assertOver(rig);
    }
  });
}

test("an end inside a chunk is a truncation on both sides, at a chunk's border it is an end", { timeout: 10_000 }, async (t) => {
  for (const side of SIDES) {
    for (const excess of [0, 1, 999]) {
      const rig = await pumpRig(t);
      const chunked = new ChunkedTransform(1_000);
      rig.start(side === "client" ? { up: chunked } : { down: chunked });
      const toVictim = drainSocket(rig[other(side)]);
      rig[side].resume();
      rig[side].end(Buffer.alloc(5_000 + excess));
      const received = await toVictim;
      assert.equal(received.bytes, 5_000);
      if (excess > 0) assertReset(received);
      else assert.equal(received.ended, true);
      rig[other(side)].end();
      assert.equal((await rig.done).outcome, excess > 0 ? "STREAM_TRUNCATED" : "OK");
      await assertOver(rig);
    }
  }
});

test("terminate resets both sides now and reports its code, once", { timeout: 5_000 }, async (t) => {
  const rig = await pumpRig(t);
  const pump = rig.start({ idleTimeoutMs: 1_000 });
  const atBoth = [drainSocket(rig.client), drainSocket(rig.target)];
  rig.client.write("live");
  await until(() => pump.bytesUp === 4);
  pump.terminate("SESSION_TERMINATED");
  pump.terminate("DRAIN_DEADLINE");
  for (const received of await Promise.all(atBoth)) assertReset(received);
  assert.deepEqual(await rig.done, { outcome: "SESSION_TERMINATED", bytesUp: 4, bytesDown: 0 });
  pump.terminate("DRAIN_DEADLINE");
  await assertOver(rig);
});

test("terminate does not wait for a stuck peer, nor for a lingering reset", { timeout: 5_000 }, async (t) => {
  for (const breakFirst of [false, true]) {
    const rig = await pumpRig(t);
    const pump = rig.start();
    rig.near.client.send(Buffer.alloc(32 * MIB));
    assert.ok(rig.near.client.pendingBytes > 0);
    if (breakFirst) {
      rig.target.resetAndDestroy();
      await until(() => rig.near.target.closed);
    }
    const started = performance.now();
    pump.terminate("DRAIN_DEADLINE");
    assert.equal((await rig.done).outcome, breakFirst ? "RELAY_TARGET_ERROR" : "DRAIN_DEADLINE");
    assert.ok(performance.now() - started < 1_000);
    await assertOver(rig);
  }
});

test("idle: only silence in both directions for the whole time ends it", { timeout: 10_000 }, async (t) => {
  const rig = await pumpRig(t);
  rig.start({ idleTimeoutMs: 10_000 });
  rig.client.resume();
  rig.target.resume();
  const tick = (ms: number): void => {
    rig.clock.advance(ms);
    rig.sweeper.sweep();
  };
  for (const side of [rig.client, rig.target, rig.client]) {
    tick(9_000);
    const heard = once(side === rig.client ? rig.target : rig.client, "data");
    side.write("x");
    await heard;
    tick(1_000);
    assert.deepEqual(rig.reports, []);
    assert.equal(rig.near.client.closed, false);
  }
  tick(9_999);
  await after(20);
  assert.deepEqual(rig.reports, []);
  tick(1);
  assert.equal((await rig.done).outcome, "IDLE_TIMEOUT");
  await assertOver(rig);
});

test("idle: half-open and stuck sessions are covered", { timeout: 10_000 }, async (t) => {
  const rigs: PumpRig[] = [];
  for (const side of SIDES) {
    const halfOpen = await pumpRig(t);
    halfOpen.start({ idleTimeoutMs: 10_000 });
    halfOpen[side].end();
    await once(halfOpen[other(side)].resume(), "end");
    const stuck = await pumpRig(t);
    stuck.start({ idleTimeoutMs: 10_000 });
    for (let i = 0; i < 32; i += 1) stuck[side].write(Buffer.alloc(MIB));
    stuck[side].end();
    stuck[other(side)].end();
    await until(() => stuck.near[other(side)].pendingBytes > 0);
    assert.ok(stuck.pool.out > 0);
    rigs.push(halfOpen, stuck);
  }
  await after(50);
  for (const rig of rigs) {
    rig.sweeper.sweep();
    rig.clock.advance(10_000);
    rig.sweeper.sweep();
    assert.equal((await rig.done).outcome, "IDLE_TIMEOUT");
    await assertOver(rig);
  }
});

test("idle: the sweeper runs by itself, and not at all for pumps without a limit", { timeout: 5_000 }, async (t) => {
  const sweeper = new Sweeper(systemClock, 20);
  for (const idleTimeoutMs of [60, 0]) {
    const rig = await pumpRig(t);
    const done = Promise.withResolvers<string>();
    const pump = startPump(
      {
        ...rig.near,
        up: undefined,
        down: undefined,
        plainSide: "target",
        meter: rig.meter,
        carriedUp: 0,
        idleTimeoutMs,
        onDone: ({ outcome }) => done.resolve(outcome),
      },
      { pool: rig.pool, sweeper },
    );
    assert.equal(sweeper.size, idleTimeoutMs > 0 ? 1 : 0);
    if (idleTimeoutMs === 0) {
      await after(150);
      pump.terminate("SESSION_TERMINATED");
    }
    assert.equal(await done.promise, idleTimeoutMs > 0 ? "IDLE_TIMEOUT" : "SESSION_TERMINATED");
    assert.equal(sweeper.size, 0);
  }
});
