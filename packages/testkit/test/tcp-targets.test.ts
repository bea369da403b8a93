import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DeadlineError } from "../src/deadline.ts";
import type { LoopbackTarget } from "../src/loopback-server.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { pseudoRandomSha256 } from "../src/pseudo-random.ts";
import { openSocket } from "../src/socks-client.ts";
import {
  holdClosedPort,
  startBlackHoleTarget,
  startEchoTarget,
  startHalfCloseTarget,
  startNeverReadingTarget,
  startServerFirstTarget,
  startSinkTarget,
  startSourceTarget,
} from "../src/tcp-targets.ts";

expectNoOpenHandles();

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

async function open(t: TestContext, target: LoopbackTarget): Promise<Socket> {
  const socket = await openSocket(target);
  t.after(() => socket.destroy());
  return socket;
}

/** Everything up to the target's FIN. */
async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** What arrives within a while that would be long on loopback. */
async function readSoon(socket: Socket): Promise<{ bytes: Buffer; ended: boolean }> {
  const chunks: Buffer[] = [];
  let ended = false;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => (ended = true));
  await sleep(100);
  return { bytes: Buffer.concat(chunks), ended };
}

for (const host of ["127.0.0.1", "::1"] as const) {
  test(`echo on ${host}`, async (t) => {
    await using target = await startEchoTarget({ host });
    assert.equal(target.host, host);
    const socket = await open(t, target);
    socket.end("hello");
    assert.equal((await readAll(socket)).toString(), "hello");
    assert.deepEqual([target.accepted, target.host], [1, host]);
  });
}

test("sink: counts and hashes each connection, and tells FIN from a break", async (t) => {
  await using target = await startSinkTarget();
  const first = await open(t, target);
  first.end("abc");
  assert.deepEqual(await target.received(), { bytes: 3, sha256: sha256("abc"), end: "fin" });
  assert.equal((await readAll(first)).length, 0);
  const second = await open(t, target);
  second.write("xy");
  await sleep(50);
  second.resetAndDestroy();
  assert.deepEqual(await target.received(), { bytes: 2, sha256: sha256("xy"), end: "broken" });
  assert.equal(target.receivedBytes, 5);
  await assert.rejects(target.received(20), DeadlineError);
});

test("source: the bytes its hash says, then FIN", async (t) => {
  const bytes = 3 * 1024 * 1024 + 17;
  await using target = await startSourceTarget({ bytes, seed: 5 });
  const received = await readAll(await open(t, target));
  assert.equal(received.length, bytes);
  assert.equal(sha256(received), target.sha256);
  assert.equal(target.sha256, pseudoRandomSha256(5, bytes));
  await using empty = await startSourceTarget({ bytes: 0 });
  assert.equal((await readAll(await open(t, empty))).length, 0);
});

test("half-close, client first: nothing before the client's FIN, then the reply and FIN", async (t) => {
  await using target = await startHalfCloseTarget({ firstFin: "client", reply: Buffer.from("done") });
  const socket = await open(t, target);
  socket.write("request");
  assert.deepEqual(await readSoon(socket), { bytes: Buffer.alloc(0), ended: false });
  socket.end();
  assert.equal((await readAll(socket)).toString(), "done");
  assert.deepEqual(await target.received(), { bytes: 7, sha256: sha256("request"), end: "fin" });
});

test("half-close, target first: the reply and FIN at once, and it goes on receiving", async (t) => {
  await using target = await startHalfCloseTarget({ firstFin: "target" });
  const socket = await open(t, target);
  assert.equal((await readAll(socket)).toString(), "goodbye");
  socket.write("still ");
  await sleep(30);
  socket.end("here");
  assert.deepEqual(await target.received(), { bytes: 10, sha256: sha256("still here"), end: "fin" });
});

test("server first: the greeting comes without a word from the client", async (t) => {
  await using target = await startServerFirstTarget(Buffer.from("220 ready\r\n"));
  const socket = await open(t, target);
  assert.equal((await readSoon(socket)).bytes.toString(), "220 ready\r\n");
  socket.end("x");
  assert.equal((await readAll(socket)).toString(), "x");
});

test("never reading: a sender fills the window and then stands", async (t) => {
  await using target = await startNeverReadingTarget();
  const socket = await open(t, target);
  const megabyte = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < 64; i++) socket.write(megabyte);
  let last = -1;
  while (last !== socket.writableLength) {
    last = socket.writableLength;
    await sleep(100);
  }
  assert.ok(last > 16 * megabyte.length, `${last} bytes not taken`);
  socket.destroy();
  // The same sender against a target that reads gets rid of everything.
  await using sink = await startSinkTarget();
  const fast = await open(t, sink);
  for (let i = 0; i < 64; i++) fast.write(megabyte);
  fast.end();
  assert.equal((await sink.received()).bytes, 64 * megabyte.length);
});

test("black hole: takes everything and answers nothing, not even FIN", async (t) => {
  await using target = await startBlackHoleTarget();
  const socket = await open(t, target);
  socket.end("into the dark");
  assert.deepEqual(await readSoon(socket), { bytes: Buffer.alloc(0), ended: false });
  assert.equal(target.receivedBytes, 13);
  assert.equal((await target.received()).end, "fin");
});

test("a held closed port refuses for as long as it is held", async () => {
  for (const host of ["127.0.0.1", "::1"] as const) {
    await using closed = await holdClosedPort(host);
    for (let i = 0; i < 3; i++) await assert.rejects(openSocket(closed), { code: "ECONNREFUSED" });
  }
});

test("close ends connections, frees the port and can be called again", async (t) => {
  const target = await startBlackHoleTarget();
  const socket = await open(t, target);
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.resume().on("end", () => socket.end());
  await Promise.all([target.close(), target.close()]);
  await closed;
  assert.equal(target.open, 0);
  await assert.rejects(openSocket(target), { code: "ECONNREFUSED" });
});
