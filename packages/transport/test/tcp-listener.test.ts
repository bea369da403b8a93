import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import test, { type TestContext } from "node:test";
import { codeOf } from "@shadowfleet/runtime";
import type { Connection } from "../src/connection.ts";
import { parseDescriptorLimit, readDescriptorLimit } from "../src/descriptors.ts";
import { type OpenServer, openServer } from "../src/listen-socket.ts";
import { listenTcp, type TcpListenerOptions } from "../src/tcp-listener.ts";
import { after, LOOPBACK, listen, peer, plainServer, until } from "./loopback.ts";
import { READ_MODES } from "./read-modes.ts";

const silent: TcpListenerOptions = { host: LOOPBACK, port: 0, maxConnections: 100, onConnection: () => {}, onPauseChange: () => {} };

const systemError = (code: string): Error => Object.assign(new Error(code), { code });

/** Whether connecting is refused now. */
async function refused(t: TestContext, port: number): Promise<boolean> {
  try {
    await peer(t, port);
    return false;
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ECONNREFUSED");
    return true;
  }
}

interface Capped {
  readonly port: number;
  readonly held: Connection[];
  readonly pauses: [paused: boolean, reason: string][];
  readonly count: () => number;
}

/** A listener that keeps what it accepts. */
async function capped(t: TestContext, options: Partial<TcpListenerOptions>): Promise<Capped> {
  const held: Connection[] = [];
  const pauses: [boolean, string][] = [];
  const listener = await listen(t, {
    onConnection: (connection) => held.push(connection),
    onPauseChange: (paused, reason) => pauses.push([paused, reason]),
    ...options,
  });
  t.after(() => held.map((connection) => connection.destroy()));
  return { port: listener.port, held, pauses, count: () => listener.connections };
}

for (const readMode of READ_MODES) {
  test(`${readMode}: at the cap the port refuses; below nine tenths of it, it accepts again`, { timeout: 10_000 }, async (t) => {
    const { port, held, pauses, count } = await capped(t, { maxConnections: 20, readMode });
    for (let i = 0; i < 20; i += 1) await peer(t, port);
    await until(() => count() === 20);
    assert.deepEqual(pauses, [[true, "connection cap of 20 reached"]]);
    assert.equal(await refused(t, port), true);
    held[0]!.destroy();
    held[1]!.destroy();
    await until(() => count() === 18);
    await after(30);
    assert.equal(await refused(t, port), true, "18 of 20 is not below 90 %");
    held[2]!.destroy();
    await until(() => pauses.length === 2);
    assert.equal(pauses[1]![0], false);
    assert.equal(await refused(t, port), false);
    await until(() => count() === 18);
  });
}

test("a burst beyond the cap is not accepted beyond it", { timeout: 10_000 }, async (t) => {
  const { port, count, pauses } = await capped(t, { maxConnections: 10 });
  const burst = Array.from({ length: 100 }, () => net.connect({ port, host: LOOPBACK }));
  for (const socket of burst) socket.on("error", () => {});
  t.after(() => burst.map((socket) => socket.destroy()));
  await until(() => pauses.length === 1);
  await after(100);
  assert.equal(count(), 10);
});

test("a cap of one serves one at a time", { timeout: 5_000 }, async (t) => {
  const { port, held, pauses } = await capped(t, { maxConnections: 1 });
  for (let i = 0; i < 3; i += 1) {
    await peer(t, port);
    await until(() => held.length === i + 1);
    held[i]!.destroy();
    await until(() => pauses.length === 2 * (i + 1));
  }
  assert.deepEqual(
    pauses.map(([paused]) => paused),
    [true, false, true, false, true, false],
  );
});

test("a port taken by another while paused is won back when it is free", { timeout: 10_000 }, async (t) => {
  const { port, held, pauses } = await capped(t, { maxConnections: 1 });
  await peer(t, port);
  await until(() => held.length === 1);
  const squatter = net.createServer();
  squatter.listen(port, LOOPBACK);
  await once(squatter, "listening");
  held[0]!.destroy();
  await after(300);
  assert.equal(pauses.length, 1, "still paused, retrying");
  squatter.close();
  await until(() => pauses.length === 2);
  await peer(t, port);
  await until(() => held.length === 2);
});

test("a listener closed while it retries stays closed", { timeout: 5_000 }, async (t) => {
  const held: Connection[] = [];
  const pauses: boolean[] = [];
  const listener = await listen(t, {
    maxConnections: 1,
    onConnection: (connection) => held.push(connection),
    onPauseChange: (paused) => pauses.push(paused),
  });
  await peer(t, listener.port);
  await until(() => held.length === 1);
  const squatter = net.createServer();
  squatter.listen(listener.port, LOOPBACK);
  await once(squatter, "listening");
  held[0]!.destroy();
  await after(50);
  await listener.close();
  squatter.close();
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  await after(400);
  assert.equal(await refused(t, listener.port), true);
  assert.deepEqual(pauses, [true]);
  assert.equal(timers, 0, "no retry is left");
});

test("close frees the port at once and leaves live connections alone", { timeout: 5_000 }, async (t) => {
  for (const readMode of READ_MODES) {
    const held: Connection[] = [];
    const listener = await listen(t, { readMode, onConnection: (connection) => held.push(connection) });
    const far = await peer(t, listener.port);
    await until(() => held.length === 1);
    await listener.close();
    const successor = await listen(t, { port: listener.port });
    await successor.close();
    assert.equal(await refused(t, listener.port), true);
    held[0]!.onData = (src, start, end) => void held[0]!.send(Buffer.from(src.subarray(start, end)));
    held[0]!.resume();
    far.write("alive");
    assert.equal(String((await once(far, "data"))[0]), "alive");
    assert.equal(listener.connections, 1);
    held[0]!.destroy();
    await until(() => listener.connections === 0);
    await after(30);
    assert.equal(await refused(t, listener.port), true, "a close below the cap does not bring the port back");
  }
});

test("what cannot be bound is BIND_FAILED and says where and why", { timeout: 5_000 }, async (t) => {
  const taken = await plainServer(t);
  const bind = (host: string, port: number) => listenTcp({ ...silent, host, port });
  const cases: [Promise<unknown>, RegExp][] = [
    [bind(LOOPBACK, taken.port), new RegExp(`^cannot listen on 127.0.0.1:${taken.port}: the port is already in use \\(EADDRINUSE\\)$`)],
    [bind("203.0.113.7", 0), /^cannot listen on 203.0.113.7:0: this machine does not have that address \(EADDRNOTAVAIL\)$/],
    [bind("2001:db8::7", 0), /^cannot listen on \[2001:db8::7\]:0: this machine does not have that address/],
  ];
  for (const [outcome, message] of cases) {
    await assert.rejects(
      outcome,
      (error: Error) => codeOf(error) === "BIND_FAILED" && message.test(error.message) && error.cause instanceof Error,
    );
  }
});

test("'::' takes IPv4 and IPv6", { timeout: 5_000 }, async (t) => {
  const { port, count } = await capped(t, { host: "::" });
  await peer(t, port, "127.0.0.1");
  await peer(t, port, "::1");
  await until(() => count() === 2);
});

test("'::' on a machine without IPv6 is 0.0.0.0 and says so; other addresses and errors are not bent", { timeout: 5_000 }, async (t) => {
  for (const code of ["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"]) {
    const withoutIpv6: OpenServer = (host, port) => (host.includes(":") ? Promise.reject(systemError(code)) : openServer(host, port));
    const listener = await listenTcp({ ...silent, host: "::" }, withoutIpv6);
    t.after(() => listener.close());
    assert.equal(listener.host, "0.0.0.0");
    await peer(t, listener.port);
    await assert.rejects(listenTcp({ ...silent, host: "::1" }, withoutIpv6), (error) => codeOf(error) === "BIND_FAILED");
  }
  const taken: OpenServer = () => Promise.reject(systemError("EADDRINUSE"));
  await assert.rejects(listenTcp({ ...silent, host: "::" }, taken), /already in use/);
});

test("the descriptor limit is the soft one", () => {
  const limits = `Limit                     Soft Limit           Hard Limit           Units\nMax open files            2048                 524288               files\n`;
  assert.equal(parseDescriptorLimit(limits), 2048);
  assert.equal(parseDescriptorLimit(limits.replace("2048", "unlimited")), Number.POSITIVE_INFINITY);
  assert.equal(parseDescriptorLimit("Max processes 1 2 processes\n"), undefined);
  assert.ok(readDescriptorLimit() >= 20);
});
