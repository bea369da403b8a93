import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import type { Connection } from "../src/connection.ts";
import { after, drainSocket, listen, pair, peer, record, until } from "./loopback.ts";
import { READ_MODES } from "./read-modes.ts";

const MIB = 1024 * 1024;

for (const mode of READ_MODES) {
  test(`${mode}: echo, half-close by the peer, answer after it, one clean close`, { timeout: 5_000 }, async (t) => {
    const { connection, far, listener } = await pair(t, mode);
    const seen = record(connection);
    const answer = drainSocket(far);
    connection.onData = (src, start, end) => void connection.send(Buffer.from(src.subarray(start, end)));
    connection.resume();
    far.end("hello");
    await until(() => connection.ended);
    assert.equal(connection.closed, false);
    assert.equal(listener.connections, 1);
    connection.send(Buffer.from(", world"));
    connection.end();
    assert.deepEqual({ ...(await answer), hash: "" }, { bytes: 12, hash: "", ended: true, error: undefined });
    await until(() => connection.closed);
    assert.deepEqual(seen.events, ["end", "close"]);
    assert.equal(seen.error, undefined);
    assert.equal(listener.connections, 0);
  });

  test(`${mode}: our half-close leaves the peer's direction open`, { timeout: 5_000 }, async (t) => {
    const { connection, far } = await pair(t, mode);
    const seen = record(connection);
    connection.resume();
    connection.end();
    far.resume();
    await once(far, "end");
    far.end(Buffer.alloc(300_000));
    await until(() => connection.closed);
    assert.equal(seen.bytes, 300_000);
    assert.deepEqual(seen.events, ["data", "end", "close"]);
  });

  test(`${mode}: a reset after data is data, then one close with the error`, { timeout: 5_000 }, async (t) => {
    const { connection, far, listener } = await pair(t, mode);
    const seen = record(connection);
    connection.resume();
    far.write("last words");
    await until(() => seen.bytes === 10);
    far.resetAndDestroy();
    await until(() => connection.closed);
    assert.deepEqual(seen.events, ["data", "close"]);
    assert.equal(seen.error?.code, "ECONNRESET");
    assert.equal(listener.connections, 0);
  });

  test(`${mode}: a connection that never read still closes once and is counted down`, { timeout: 5_000 }, async (t) => {
    const { connection, listener } = await pair(t, mode);
    const seen = record(connection);
    connection.destroy();
    connection.destroy();
    connection.reset();
    assert.equal(connection.send(Buffer.from("x")), false);
    connection.end();
    connection.resume();
    connection.pause();
    await until(() => connection.closed);
    await after(20);
    assert.deepEqual(seen.events, ["close"]);
    assert.equal(seen.error, undefined);
    assert.equal(connection.pendingBytes, 0);
    assert.equal(listener.connections, 0);
  });

  test(`${mode}: end goes out behind everything pending`, { timeout: 10_000 }, async (t) => {
    const { connection, far } = await pair(t, mode);
    const seen = record(connection);
    connection.resume();
    for (let i = 0; i < 12; i += 1) connection.send(Buffer.alloc(MIB, i));
    assert.ok(connection.pendingBytes > 0);
    connection.end();
    const received = await drainSocket(far);
    assert.equal(received.bytes, 12 * MIB);
    assert.equal(received.ended, true);
    assert.deepEqual(seen.events, ["drain"]);
    far.end();
    await until(() => connection.closed);
    assert.deepEqual(seen.events, ["drain", "end", "close"]);
  });

  test(`${mode}: reset tears down at once, pending writes and a pending end included, and never looks like an end of stream`, {
    timeout: 5_000,
  }, async (t) => {
    for (const endFirst of [false, true]) {
      const { connection, far } = await pair(t, mode);
      const seen = record(connection);
      connection.send(Buffer.alloc(16 * MIB));
      if (endFirst) connection.end();
      connection.reset();
      await until(() => connection.closed);
      assert.deepEqual(seen.events, ["close"]);
      const received = await drainSocket(far);
      assert.equal(received.ended, false);
      assert.equal(received.error?.code, "ECONNRESET");
    }
  });
}

test("a reset right after end is safe", { timeout: 5_000 }, async (t) => {
  const { connection, listener } = await pair(t);
  connection.resume();
  connection.send(Buffer.from("all of it"));
  connection.end();
  connection.reset();
  await until(() => connection.closed);
  assert.equal(listener.connections, 0);
});

test("destroy drops what is pending and sends FIN", { timeout: 5_000 }, async (t) => {
  const { connection, far } = await pair(t);
  connection.send(Buffer.from("taken by the kernel"));
  connection.destroy();
  const received = await drainSocket(far);
  assert.deepEqual([received.bytes, received.ended], [19, true]);
});

test("nothing is called between destroy and close, even when the peer's end was already read", { timeout: 5_000 }, async (t) => {
  const { connection, far } = await pair(t);
  const seen = record(connection);
  connection.onData = () => connection.destroy();
  connection.resume();
  far.end("with a FIN behind it");
  await until(() => connection.closed);
  assert.deepEqual(seen.events, ["close"]);
});

test("addresses: an IPv4 peer of a dual-stack listener is named in its own form", { timeout: 5_000 }, async (t) => {
  const accepted: Connection[] = [];
  const listener = await listen(t, { host: "::", onConnection: (connection) => accepted.push(connection) });
  const four = await peer(t, listener.port, "127.0.0.1");
  const six = await peer(t, listener.port, "::1");
  await until(() => accepted.length === 2);
  const [fromFour, fromSix] = accepted as [Connection, Connection];
  assert.deepEqual([fromFour.remoteHost, fromFour.remotePort], ["127.0.0.1", four.localPort]);
  assert.deepEqual([fromFour.localHost, fromFour.localPort], ["127.0.0.1", listener.port]);
  assert.deepEqual([fromSix.remoteHost, fromSix.remotePort], ["::1", six.localPort]);
  for (const connection of accepted) connection.destroy();
});
