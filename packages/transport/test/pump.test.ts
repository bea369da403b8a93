import assert from "node:assert/strict";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import type net from "node:net";
import test from "node:test";
import type { StreamTransform } from "@shadowfleet/wire";
import { HIGH_WATER_BYTES } from "../src/flow.ts";
import { after, drainSocket, type Received, until } from "./loopback.ts";
import { pumpRig } from "./pump-rig.ts";
import { ChunkedTransform, DoublingTransform, XorTransform, xored } from "./transforms.ts";

const MIB = 1024 * 1024;
const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

/** Writes everything in pieces of random length, resting at random, then half-closes. */
async function sendRaggedly(socket: net.Socket, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const next = Math.min(data.length, at + randomInt(1, 300_000));
    if (!socket.write(data.subarray(at, next))) await once(socket, "drain");
    if (randomInt(20) === 0) await after(randomInt(4));
    at = next;
  }
  socket.end();
}

/** Reads to the end, stopping at random for a moment. */
function receiveRaggedly(socket: net.Socket): Promise<Received> {
  socket.on("data", () => {
    if (randomInt(20) > 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), randomInt(4));
  });
  return drainSocket(socket);
}

const kinds: Record<string, { make: () => StreamTransform | undefined; expected: (data: Buffer) => Buffer }> = {
  plain: { make: () => undefined, expected: (data) => data },
  xor: { make: () => new XorTransform(), expected: xored },
  chunked: { make: () => new ChunkedTransform(1024), expected: (data) => data },
};

for (const [name, { make, expected }] of Object.entries(kinds)) {
  test(`${name}: 16 MiB both ways at once arrive whole and in order through pausing peers`, { timeout: 30_000 }, async (t) => {
    const rig = await pumpRig(t);
    rig.start({ up: make(), down: make() });
    const up = randomBytes(16 * MIB);
    const down = randomBytes(16 * MIB);
    const [atTarget, atClient] = await Promise.all([
      receiveRaggedly(rig.target),
      receiveRaggedly(rig.client),
      sendRaggedly(rig.client, up),
      sendRaggedly(rig.target, down),
    ]);
    assert.deepEqual(atTarget, { bytes: up.length, hash: sha256(expected(up)), ended: true, error: undefined });
    assert.deepEqual(atClient, { bytes: down.length, hash: sha256(expected(down)), ended: true, error: undefined });
    assert.deepEqual(await rig.done, { outcome: "OK", bytesUp: up.length, bytesDown: down.length });
    assert.deepEqual(rig.meter, { up: up.length, down: down.length });
    assert.equal(rig.pool.out, 0);
  });
}

test("half-close is kept: whoever ends first still hears the other out", { timeout: 10_000 }, async (t) => {
  for (const first of ["client", "target"] as const) {
    for (const lateBytes of [0, 1, 3 * MIB]) {
      const rig = await pumpRig(t);
      rig.start({ up: new XorTransform(), down: new XorTransform() });
      const [ender, other] = first === "client" ? [rig.client, rig.target] : [rig.target, rig.client];
      ender.end("question");
      const question = await drainSocket(other);
      assert.deepEqual([question.bytes, question.ended], [8, true]);
      await after(5);
      assert.deepEqual(rig.reports, [], "one end alone ends nothing");
      const late = drainSocket(ender);
      other.end(Buffer.alloc(lateBytes));
      assert.deepEqual([(await late).bytes, (await late).ended], [lateBytes, true]);
      const counts = first === "client" ? { bytesUp: 8, bytesDown: lateBytes } : { bytesUp: lateBytes, bytesDown: 8 };
      assert.deepEqual(await rig.done, { outcome: "OK", ...counts });
      assert.equal(rig.pool.out, 0);
    }
  }
});

test("a side that ended before the pump started is passed on", { timeout: 5_000 }, async (t) => {
  const rig = await pumpRig(t);
  rig.near.client.resume();
  rig.client.end();
  await until(() => rig.near.client.ended);
  rig.start();
  const atTarget = await drainSocket(rig.target);
  assert.equal(atTarget.ended, true);
  const atClient = drainSocket(rig.client);
  rig.target.end("answer");
  assert.deepEqual([(await atClient).bytes, (await atClient).ended], [6, true]);
  assert.equal((await rig.done).outcome, "OK");
});

test("a connection that closed before the pump started ends it at once", { timeout: 5_000 }, async (t) => {
  for (const [side, outcome] of [
    ["client", "RELAY_CLIENT_ERROR"],
    ["target", "RELAY_TARGET_ERROR"],
  ] as const) {
    const rig = await pumpRig(t);
    rig.near[side].destroy();
    await until(() => rig.near[side].closed);
    rig.start();
    assert.deepEqual(rig.reports, []);
    assert.equal((await rig.done).outcome, outcome);
    assert.equal(rig.near.client.closed && rig.near.target.closed, true);
  }
});

test("a peer that does not read bounds what is held, and then gets all of it", { timeout: 30_000 }, async (t) => {
  for (const direction of ["up", "down"] as const) {
    const rig = await pumpRig(t);
    rig.start();
    const [sender, reader, sink] =
      direction === "up" ? [rig.client, rig.target, rig.near.target] : [rig.target, rig.client, rig.near.client];
    const piece = Buffer.alloc(MIB, 7);
    const rssBefore = process.memoryUsage.rss();
    for (let i = 0; i < 200; i += 1) sender.write(piece);
    sender.end();
    let mostPending = 0;
    for (let i = 0; i < 20; i += 1) {
      await after(10);
      mostPending = Math.max(mostPending, sink.pendingBytes);
    }
    const oneRead = 64 * 1024;
    assert.ok(mostPending > 0 && mostPending < HIGH_WATER_BYTES + oneRead, `${mostPending} bytes pending`);
    assert.ok(sender.writableLength > 100 * MIB, "the sender is held back");
    const grownMib = (process.memoryUsage.rss() - rssBefore) / MIB;
    assert.ok(grownMib < 64, `resident memory grew by ${grownMib.toFixed(0)} MiB`);

    const received = drainSocket(reader);
    assert.deepEqual([(await received).bytes, (await received).ended], [200 * MIB, true]);
    (direction === "up" ? rig.target : rig.client).end();
    sender.resume();
    assert.equal((await rig.done).outcome, "OK");
    assert.equal(rig.pool.out, 0);
  }
});

test("what the caller had pending before the start goes first", { timeout: 10_000 }, async (t) => {
  const rig = await pumpRig(t);
  const first = randomBytes(12 * MIB);
  rig.near.target.send(first);
  assert.ok(rig.near.target.pendingBytes > HIGH_WATER_BYTES);
  rig.start({ carriedUp: first.length });
  const second = randomBytes(2 * MIB);
  rig.client.end(second);
  const received = await drainSocket(rig.target);
  assert.equal(received.hash, sha256(Buffer.concat([first, second])));
  rig.target.end();
  rig.client.resume();
  assert.equal((await rig.done).bytesUp, 14 * MIB);
});

test("payload is counted on the plain side, live, with what was carried before the start", { timeout: 5_000 }, async (t) => {
  for (const plainSide of ["client", "target"] as const) {
    const rig = await pumpRig(t);
    rig.meter.up = 1_000;
    const pump = rig.start({ up: new DoublingTransform(), down: new DoublingTransform(), plainSide, carriedUp: 50 });
    assert.deepEqual([pump.bytesUp, pump.bytesDown, rig.meter.up], [50, 0, 1_050]);
    rig.client.write(Buffer.alloc(100));
    rig.target.write(Buffer.alloc(10));
    await Promise.all([once(rig.target.resume(), "data"), once(rig.client.resume(), "data")]);
    const expected = plainSide === "client" ? { up: 150, down: 20 } : { up: 250, down: 10 };
    await until(() => pump.bytesUp === expected.up && pump.bytesDown === expected.down);
    assert.deepEqual(rig.meter, { up: 1_000 + expected.up, down: expected.down });
    rig.client.end();
    rig.target.end();
    assert.deepEqual(await rig.done, { outcome: "OK", bytesUp: expected.up, bytesDown: expected.down });
  }
});
