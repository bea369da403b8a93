import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { AllowanceThrottle } from "./allowance-throttle.ts";
import { after, drainSocket, until } from "./loopback.ts";
import { pumpRig } from "./pump-rig.ts";
import { ChunkedTransform, XorTransform } from "./transforms.ts";

const MIB = 1024 * 1024;
/** Longer than anything takes that is not held back. */
const A_WHILE_MS = 50;

test("what a throttle lets pass bit by bit arrives whole, and is told to the byte", { timeout: 30_000 }, async (t) => {
  const rig = await pumpRig(t);
  const throttles = { up: new AllowanceThrottle(), down: new AllowanceThrottle() };
  rig.start({ up: new XorTransform(), down: new ChunkedTransform(1024), throttles });
  const timer = setInterval(() => {
    throttles.up.give(7_001);
    throttles.down.give(100_003);
  }, 1);
  t.after(() => clearInterval(timer));
  const [up, down] = [randomBytes(MIB), randomBytes(4 * MIB)];
  rig.client.end(up);
  rig.target.end(down);
  const [atTarget, atClient] = await Promise.all([drainSocket(rig.target), drainSocket(rig.client)]);
  assert.equal(atTarget.bytes, up.length);
  assert.equal(atClient.bytes, down.length);
  assert.deepEqual(await rig.done, { outcome: "OK", bytesUp: up.length, bytesDown: down.length });
  assert.deepEqual([throttles.up.total, throttles.down.total], [up.length, down.length]);
  assert.deepEqual([throttles.up.line.size, throttles.down.line.size], [0, 0]);
  assert.equal(rig.pool.out, 0);
});

test("not a byte more than the allowance passes, and the end comes after the last of them", async (t) => {
  const rig = await pumpRig(t);
  const throttles = { up: new AllowanceThrottle(10_000), down: new AllowanceThrottle(MIB) };
  rig.start({ throttles });
  let received = 0;
  let ended = false;
  rig.target.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  rig.target.on("end", () => {
    ended = true;
  });
  rig.target.resume();
  rig.client.end(Buffer.alloc(30_000));
  await until(() => received >= 10_000);
  await after(A_WHILE_MS);
  assert.deepEqual({ received, ended }, { received: 10_000, ended: false });
  throttles.up.give(19_999);
  await until(() => received >= 29_999);
  await after(A_WHILE_MS);
  assert.deepEqual({ received, ended }, { received: 29_999, ended: false });
  throttles.up.give(2);
  await until(() => ended);
  assert.equal(received, 30_000);
});

test("a pump that is terminated leaves the line", async (t) => {
  const rig = await pumpRig(t);
  const throttles = { up: new AllowanceThrottle(), down: new AllowanceThrottle() };
  const pump = rig.start({ throttles });
  assert.deepEqual([throttles.up.line.size, throttles.down.line.size], [1, 1]);
  rig.client.on("error", () => {});
  rig.target.on("error", () => {});
  pump.terminate("QUOTA_EXHAUSTED");
  assert.deepEqual([throttles.up.line.size, throttles.down.line.size], [0, 0]);
  assert.equal((await rig.done).outcome, "QUOTA_EXHAUSTED");
});

test("a receiver that does not read uses up no turns of others", { timeout: 30_000 }, async (t) => {
  const stuck = await pumpRig(t);
  const free = await pumpRig(t);
  const up = new AllowanceThrottle();
  const down = new AllowanceThrottle(64 * MIB);
  stuck.start({ throttles: { up, down } });
  free.start({ throttles: { up, down } });
  stuck.target.pause();
  stuck.client.write(Buffer.alloc(16 * MIB));
  let before = -1;
  // Until the stuck receiver's kernel has all it takes.
  await until(() => {
    const isStill = up.total === before;
    before = up.total;
    up.give(64 * 1024);
    return isStill && up.line.size <= 1;
  });
  const held = up.total;
  let received = 0;
  free.target.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  free.target.resume();
  free.client.write(Buffer.alloc(MIB));
  await until(() => {
    up.give(64 * 1024);
    return received === MIB;
  });
  assert.equal(up.total, held + MIB);
  stuck.target.resume();
  await until(() => {
    up.give(64 * 1024);
    return up.total === 16 * MIB + MIB;
  });
});

test("a pump that runs is held back from the moment it is given a throttle", async (t) => {
  const rig = await pumpRig(t);
  const pump = rig.start();
  let received = 0;
  rig.target.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  rig.target.resume();
  rig.client.write(Buffer.alloc(1_000));
  await until(() => received === 1_000);
  const first = { up: new AllowanceThrottle(500), down: new AllowanceThrottle() };
  pump.throttle(first);
  rig.client.write(Buffer.alloc(2_000));
  await until(() => received === 1_500);
  const second = { up: new AllowanceThrottle(), down: new AllowanceThrottle() };
  pump.throttle(second);
  assert.equal(first.up.line.size, 0);
  first.up.give(MIB);
  await after(A_WHILE_MS);
  assert.equal(received, 1_500);
  second.up.give(MIB);
  await until(() => received === 3_000);
  assert.deepEqual([first.up.total, second.up.total, rig.meter.up], [500, 1_500, 3_000]);
});
