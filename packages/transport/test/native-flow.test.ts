import assert from "node:assert/strict";
import { once } from "node:events";
import type net from "node:net";
import { describe, it, type TestContext } from "node:test";
import { chooseAeadBackend, nativeSockets } from "@shadowfleet/aead-native";
import { PseudoRandom } from "@shadowfleet/testkit";
import { nodeBackend } from "@shadowfleet/wire";
import { settleFlows } from "../src/flow.ts";
import { AllowanceThrottle } from "./allowance-throttle.ts";
import { type ChunkStreams, chunkStreams } from "./chunk-streams.ts";
import { after, drainSocket, until } from "./loopback.ts";
import { type PumpRig, pumpRig } from "./pump-rig.ts";

const MIB = 1024 * 1024;
const SIP004_CHUNK = 0x3fff;
const SIP022_CHUNK = 0xffff;
/** Bytes that one read of a flow comes to, chunks' overhead included. */
const READ_MOST = { up: 256 * 1024 + SIP022_CHUNK, down: 512 * 1024 + 33 * 34 };
const NATIVE = chooseAeadBackend(process.env, process.env.SHADOWFLEET_TEST_ADDON).backend;
const missing = nativeSockets() ? false : "the accelerator is not built";

interface Rig extends PumpRig {
  readonly streams: ChunkStreams;
}

async function rigOf(t: TestContext, algorithm = "aes-256-gcm" as const, maxChunk = SIP004_CHUNK): Promise<Rig> {
  return { ...(await pumpRig(t)), streams: chunkStreams(NATIVE, nodeBackend, algorithm, maxChunk) };
}

/** All that a socket reads until its end or death. */
async function collect(socket: net.Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part)).resume();
  await new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
  return Buffer.concat(parts);
}

/** In pieces of every size, so that reads end anywhere in a message. */
async function sendPiecewise(socket: net.Socket, bytes: Buffer, random: PseudoRandom): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + random.below(random.below(2) === 0 ? 40 : 60_000);
    if (!socket.write(bytes.subarray(at, next))) await once(socket, "drain");
    else if (random.below(3) === 0) await new Promise(setImmediate);
    at = next;
  }
}

/** Sends as many separate reads as it takes until both directions move natively. */
async function goNative({ client, target, streams, meter }: Rig): Promise<void> {
  const atTarget = collectSome(target);
  const atClient = collectSome(client);
  for (let i = 1; i <= 6; i++) {
    client.write(streams.seal(Buffer.alloc(10)));
    target.write(Buffer.alloc(10));
    await until(() => {
      settleFlows();
      return meter.up === 10 * i && meter.down === 10 * i;
    });
  }
  await until(() => atTarget().length === 60);
  // Its opener has seen what comes before.
  streams.open(atClient());
}

/** What has been read so far. */
function collectSome(socket: net.Socket): () => Buffer {
  const parts: Buffer[] = [];
  const listen = (part: Buffer): void => void parts.push(part);
  socket.on("data", listen).resume();
  return () => Buffer.concat(parts);
}

describe("a flow in the addon", { skip: missing }, () => {
  for (const algorithm of ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-poly1305"] as const) {
    for (const maxChunk of [SIP004_CHUNK, SIP022_CHUNK]) {
      it(`${algorithm}, chunks of ${maxChunk}: both ways at once arrive whole and in order, in reads of any size`, async (t) => {
        const rig = { ...(await pumpRig(t)), streams: chunkStreams(NATIVE, nodeBackend, algorithm, maxChunk) };
        const random = new PseudoRandom(maxChunk);
        const [up, down] = [random.bytes(3 * MIB + 1), random.bytes(3 * MIB + 2)];
        rig.start({ up: rig.streams.up, down: rig.streams.down });
        const received = [collect(rig.target), collect(rig.client)] as const;
        await Promise.all([
          sendPiecewise(rig.client, rig.streams.seal(up), new PseudoRandom(1)).then(() => rig.client.end()),
          sendPiecewise(rig.target, down, new PseudoRandom(2)).then(() => rig.target.end()),
        ]);
        assert.equal(Buffer.compare(await received[0], up), 0);
        assert.equal(Buffer.compare(rig.streams.open(await received[1]), down), 0);
        assert.deepEqual(await rig.done, { outcome: "OK", bytesUp: up.length, bytesDown: down.length });
        assert.deepEqual(rig.meter, { up: up.length, down: down.length });
        assert.equal(rig.pool.out, 0);
        assert.ok(rig.pool.taken <= 8, `${rig.pool.taken} reads went through JavaScript`);
      });
    }
  }

  it("is counted while it moves, and not idle", async (t) => {
    const rig = await rigOf(t);
    const pump = rig.start({ up: rig.streams.up, down: rig.streams.down, idleTimeoutMs: 1_000 });
    await goNative(rig);
    const { taken } = rig.pool;
    for (let i = 1; i <= 5; i++) {
      rig.target.write(Buffer.alloc(100));
      await until(() => pump.bytesDown === 60 + 100 * i);
      assert.deepEqual(rig.meter, { up: 60, down: 60 + 100 * i });
      rig.clock.advance(900);
      rig.sweeper.sweep();
    }
    assert.equal(rig.pool.taken, taken, "JavaScript saw none of it");
    assert.deepEqual(rig.reports, []);
    rig.clock.advance(1_100);
    rig.sweeper.sweep();
    assert.equal((await rig.done).outcome, "IDLE_TIMEOUT");
  });

  it("ends with a corrupt chunk: what was good before is delivered, then both sides are reset", async (t) => {
    const rig = await rigOf(t);
    rig.start({ up: rig.streams.up, down: rig.streams.down });
    await goNative(rig);
    const received = drainSocket(rig.target);
    rig.client.write(rig.streams.seal(Buffer.alloc(1_000)));
    await after(20);
    const bad = rig.streams.seal(Buffer.alloc(1_000));
    bad[500] = bad[500]! ^ 1;
    rig.client.write(bad);
    assert.equal((await rig.done).outcome, "STREAM_CORRUPT");
    assert.deepEqual([(await received).bytes, (await received).ended, (await received).error?.code], [1_000, false, "ECONNRESET"]);
  });

  it("ends with a truncated chunk as what it is", async (t) => {
    const rig = await rigOf(t);
    rig.start({ up: rig.streams.up, down: rig.streams.down });
    await goNative(rig);
    const sealed = rig.streams.seal(Buffer.alloc(1_000));
    rig.client.end(sealed.subarray(0, -1));
    assert.equal((await rig.done).outcome, "STREAM_TRUNCATED");
    assert.equal(rig.meter.up, 60);
  });

  it("keeps the other direction when one has ended", async (t) => {
    const rig = await rigOf(t);
    rig.start({ up: rig.streams.up, down: rig.streams.down });
    await goNative(rig);
    const received = collect(rig.client);
    rig.client.end(rig.streams.seal(Buffer.from("question")));
    assert.equal((await collect(rig.target)).toString(), "question");
    await after(5);
    assert.deepEqual(rig.reports, []);
    rig.target.end(Buffer.alloc(3 * MIB, 7));
    assert.deepEqual(rig.streams.open(await received), Buffer.alloc(3 * MIB, 7));
    assert.deepEqual(await rig.done, { outcome: "OK", bytesUp: 68, bytesDown: 60 + 3 * MIB });
  });

  it("comes back in the middle when a throttle is put on it, and loses nothing", async (t) => {
    const rig = await rigOf(t);
    const pump = rig.start({ up: rig.streams.up, down: rig.streams.down });
    await goNative(rig);
    const random = new PseudoRandom(3);
    const [up, down] = [random.bytes(8 * MIB), random.bytes(8 * MIB)];
    const received = [collect(rig.target), collect(rig.client)] as const;
    rig.client.end(rig.streams.seal(up));
    rig.target.end(down);
    await until(() => pump.bytesUp > MIB && pump.bytesDown > MIB);
    const throttles = { up: new AllowanceThrottle(), down: new AllowanceThrottle() };
    pump.throttle(throttles);
    const moved = [pump.bytesUp, pump.bytesDown];
    assert.ok(moved[0]! < 8 * MIB && moved[1]! < 8 * MIB, "it was caught in the middle");
    await after(50);
    assert.deepEqual([pump.bytesUp, pump.bytesDown], moved, "no allowance, no byte");
    while (rig.reports.length === 0) {
      throttles.up.give(300_000);
      throttles.down.give(300_000);
      await after(1);
    }
    assert.equal(Buffer.compare(await received[0], up), 0);
    assert.equal(Buffer.compare(rig.streams.open(await received[1]), down), 0);
    assert.deepEqual(rig.reports, [{ outcome: "OK", bytesUp: 60 + 8 * MIB, bytesDown: 60 + 8 * MIB }]);
  });

  it("is held by a peer that does not read, and then gives it all", async (t) => {
    for (const direction of ["up", "down"] as const) {
      const rig = await rigOf(t);
      const pump = rig.start({ up: rig.streams.up, down: rig.streams.down });
      await goNative(rig);
      const [sender, reader, sink] =
        direction === "up" ? [rig.client, rig.target, rig.near.target] : [rig.target, rig.client, rig.near.client];
      reader.pause();
      const payload = new PseudoRandom(4).bytes(40 * MIB);
      sender.end(direction === "up" ? rig.streams.seal(payload) : payload);
      await after(150);
      const held = sink.pendingBytes;
      assert.ok(held > 0 && held <= READ_MOST[direction], `${held} bytes pending`);
      assert.ok(sender.writableLength > 10 * MIB, "the sender is held back");
      const received = collect(reader);
      const got = direction === "up" ? await received : rig.streams.open(await received);
      assert.equal(Buffer.compare(got, payload), 0);
      reader.end();
      assert.equal((await rig.done).outcome, "OK");
      assert.equal(direction === "up" ? pump.bytesUp : pump.bytesDown, 60 + 40 * MIB);
    }
  });

  it("delivers what it left pending when the other direction is corrupt, then resets", async (t) => {
    const rig = await rigOf(t);
    rig.start({ up: rig.streams.up, down: rig.streams.down });
    await goNative(rig);
    rig.client.pause();
    rig.target.write(Buffer.alloc(40 * MIB, 9));
    await until(() => rig.near.client.pendingBytes > 0);
    const bad = rig.streams.seal(Buffer.alloc(100));
    bad[3] = bad[3]! ^ 1;
    rig.client.write(bad);
    await until(() => rig.near.target.closed);
    const received = await collect(rig.client);
    assert.equal((await rig.done).outcome, "STREAM_CORRUPT");
    const opened = rig.streams.open(received);
    assert.ok(opened.length > 0 && opened.every((byte) => byte === 9));
  });

  it("ends at once when it is terminated, with much pending", async (t) => {
    const rig = await rigOf(t);
    const pump = rig.start({ up: rig.streams.up, down: rig.streams.down });
    await goNative(rig);
    rig.client.pause();
    rig.target.write(Buffer.alloc(40 * MIB));
    await until(() => rig.near.client.pendingBytes > 0);
    pump.terminate("SESSION_TERMINATED");
    assert.equal((await rig.done).outcome, "SESSION_TERMINATED");
    assert.equal(rig.near.client.closed && rig.near.target.closed, true);
    assert.equal(rig.meter.down, rig.reports[0]!.bytesDown);
  });

  it("meets a sink that was reset, and says so", async (t) => {
    const rig = await rigOf(t);
    rig.start({ up: rig.streams.up, down: rig.streams.down });
    await goNative(rig);
    rig.client.resetAndDestroy();
    rig.target.write(Buffer.alloc(MIB));
    rig.target.on("error", () => {});
    assert.equal((await rig.done).outcome, "RELAY_CLIENT_ERROR");
  });
});
