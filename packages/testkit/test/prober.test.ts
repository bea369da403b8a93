import assert from "node:assert/strict";
import { test } from "node:test";
import { startTcpTarget } from "../src/loopback-server.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { probe } from "../src/prober.ts";
import { holdClosedPort, startBlackHoleTarget, startEchoTarget, startSinkTarget } from "../src/tcp-targets.ts";

expectNoOpenHandles();

const BYTES = Buffer.from("probe");

test("a silent peer: nothing comes, nothing closes, until the deadline", async () => {
  await using target = await startBlackHoleTarget();
  const result = await probe({ ...target, pieces: [BYTES], deadlineMs: 150 });
  assert.deepEqual([result.received.length, result.close], [0, "none"]);
  assert.ok(result.closedAfterMs >= 145 && result.closedAfterMs < 1_000, String(result.closedAfterMs));
  assert.equal(target.receivedBytes, BYTES.length);
});

test("a peer that ends: FIN, with what it said before and when", async () => {
  await using target = await startTcpTarget((socket) => {
    socket.resume();
    setTimeout(() => socket.end("bye"), 80);
  });
  const result = await probe({ ...target, pieces: [BYTES], deadlineMs: 2_000 });
  assert.deepEqual([result.received.toString(), result.close], ["bye", "fin"]);
  assert.ok(result.closedAfterMs >= 70 && result.closedAfterMs < 1_000, String(result.closedAfterMs));
});

test("a peer that resets: RST, also when it does so by closing with bytes unread", async () => {
  await using resetting = await startTcpTarget((socket) => socket.once("data", () => socket.resetAndDestroy()));
  assert.equal((await probe({ ...resetting, pieces: [BYTES], deadlineMs: 2_000 })).close, "rst");
  await using careless = await startTcpTarget((socket) => void setTimeout(() => socket.destroy(), 50));
  // More than a socket that nobody reads takes in by itself.
  assert.equal((await probe({ ...careless, pieces: [Buffer.alloc(1024 * 1024)], deadlineMs: 2_000 })).close, "rst");
  assert.equal((await probe({ ...careless, deadlineMs: 2_000 })).close, "fin");
});

test("pieces arrive as reads of their own, and a FIN behind them", async () => {
  const reads: string[] = [];
  await using target = await startTcpTarget((socket) => {
    socket.on("data", (chunk: Buffer) => reads.push(chunk.toString())).on("end", () => socket.end(reads.join("|")));
  });
  const pieces = ["one", "two", "three"].map((text) => Buffer.from(text));
  const result = await probe({ ...target, pieces, fin: true, deadlineMs: 2_000 });
  assert.deepEqual([result.received.toString(), result.close], ["one|two|three", "fin"]);
  await using sink = await startSinkTarget();
  assert.equal((await probe({ ...sink, fin: true, deadlineMs: 2_000 })).close, "fin");
});

test("no connection, no result; and no socket stays behind", async () => {
  await using closed = await holdClosedPort();
  await assert.rejects(probe({ ...closed, deadlineMs: 500 }), { code: "ECONNREFUSED" });
  await using echo = await startEchoTarget();
  assert.equal((await probe({ ...echo, pieces: [BYTES], deadlineMs: 100 })).received.toString(), "probe");
  const other = await startTcpTarget((socket) => socket.resume());
  await probe({ ...other, deadlineMs: 10 });
  await other.close();
  assert.equal(other.open, 0);
});
