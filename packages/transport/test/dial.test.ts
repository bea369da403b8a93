import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { blackHole } from "@shadowfleet/testkit";
import { CachingResolver } from "../src/caching-resolver.ts";
import { ConnectAttempt } from "../src/connect-attempt.ts";
import { type Dial, type DialOptions, type DialResult, startDial } from "../src/dial.ts";
import { type DialFailure, dialFailure, moreTelling } from "../src/dial-failure.ts";
import type { ResolvedAddress } from "../src/resolver.ts";
import { dialOf } from "./dial-of.ts";
import { after, closedPort, LOOPBACK, plainServer, until } from "./loopback.ts";

const family = (address: string): ResolvedAddress => ({ address, family: address.includes(":") ? 6 : 4 });
const resolving = (...addresses: string[]): CachingResolver => new CachingResolver({ lookup: async () => addresses.map(family) });

async function dialOnce(t: TestContext, options: Partial<DialOptions> & { port: number }): Promise<DialResult> {
  const result = await dialOf({ host: "target.example", timeoutMs: 5_000, resolver: resolving(LOOPBACK), ...options });
  if (result.ok) t.after(() => result.connection.destroy());
  return result;
}

const outcome = (result: DialResult): string => (result.ok ? result.address : result.code);

/** A server at a given address and port; how often it was reached. */
async function serverAt(t: TestContext, host: string, port: number): Promise<{ reached: number }> {
  const tally = { reached: 0 };
  const server = net.createServer((socket) => {
    tally.reached += 1;
    socket.on("error", () => {});
  });
  t.after(() => server.close());
  server.listen(port, host);
  await once(server, "listening");
  return tally;
}

/** What an unfinished dial would leave behind. */
const openResources = (): string =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name === "ConnectWrap" || name === "Timeout")
    .toString();

test("a literal address is dialled as it is, and the connection works", { timeout: 5_000 }, async (t) => {
  for (const host of [LOOPBACK, "::1"]) {
    const { port, accepted } = await plainServer(t, host);
    const never = new CachingResolver({ lookup: () => Promise.reject(new Error("must not be asked")) });
    const result = await dialOnce(t, { host, port, resolver: never });
    assert.ok(result.ok);
    const { connection } = result;
    assert.deepEqual([result.address, connection.remoteHost, connection.remotePort], [host, host, port]);
    const far = await accepted;
    assert.deepEqual([connection.localHost, connection.localPort], [host, far.remotePort]);
    let text = "";
    connection.onData = (src, start, end) => {
      text += src.toString("latin1", start, end);
    };
    far.write("hello");
    connection.resume();
    await until(() => text === "hello");
  }
});

test("refused, unresolvable, forbidden, bad port", { timeout: 5_000 }, async (t) => {
  const port = await closedPort();
  const refused = await dialOnce(t, { host: LOOPBACK, port });
  assert.ok(!refused.ok);
  assert.equal(refused.code, "DIAL_REFUSED");
  assert.equal((refused.cause as NodeJS.ErrnoException).code, "ECONNREFUSED");
  const unresolvable = new CachingResolver({ lookup: () => Promise.reject(new Error("no such name")) });
  assert.equal(outcome(await dialOnce(t, { port, resolver: unresolvable })), "DNS_FAILED");
  assert.equal(outcome(await dialOnce(t, { port, admit: () => false })), "TARGET_FORBIDDEN");
  assert.equal(outcome(await dialOnce(t, { port, host: LOOPBACK, admit: () => false })), "TARGET_FORBIDDEN");
  for (const bad of [0, -1, 65_536, Number.NaN]) assert.equal(outcome(await dialOnce(t, { port: bad })), "DIAL_FAILED", String(bad));
});

test("only admitted addresses are dialled", { timeout: 5_000 }, async (t) => {
  const { port } = await plainServer(t);
  const asked: string[] = [];
  const admit = (address: string): boolean => {
    asked.push(address);
    return address !== "127.0.0.2";
  };
  const forbidden = await serverAt(t, "127.0.0.2", port);
  const result = await dialOnce(t, { port, resolver: resolving("127.0.0.2", LOOPBACK), admit });
  assert.equal(outcome(result), LOOPBACK);
  assert.deepEqual(asked, ["127.0.0.2", LOOPBACK]);
  assert.equal(forbidden.reached, 0);
});

test("once one address stands, no other is tried", { timeout: 5_000 }, async (t) => {
  const { port } = await plainServer(t);
  const second = await serverAt(t, "127.0.0.2", port);
  assert.equal(outcome(await dialOnce(t, { port, resolver: resolving(LOOPBACK, "127.0.0.2") })), LOOPBACK);
  await after(300);
  assert.equal(second.reached, 0);
});

test("an answer that comes after the end is not dialled", { timeout: 5_000 }, async (t) => {
  const { port } = await plainServer(t);
  const server = await serverAt(t, "127.0.0.2", port);
  const slow = new CachingResolver({ lookup: () => after(60).then(() => [family("127.0.0.2")]) });
  assert.equal(outcome(await dialOnce(t, { port, resolver: slow, timeoutMs: 20 })), "DIAL_TIMEOUT");
  await after(100);
  assert.equal(server.reached, 0);
});

test("a cancelled attempt tells nothing, not even what was on its way", () => {
  const told: string[] = [];
  class Attempt extends ConnectAttempt {
    connected = () => void told.push("connected");
    failed = () => void told.push("failed");
  }
  const attempt = new Attempt(LOOPBACK, 9);
  attempt.cancel();
  attempt.handleConnect();
  attempt.handleError(new Error("late"));
  assert.deepEqual(told, []);
});

test("a failed address is followed by the next at once", { timeout: 5_000 }, async (t) => {
  const { port } = await plainServer(t, "::1");
  const started = performance.now();
  assert.equal(outcome(await dialOnce(t, { port, resolver: resolving("127.0.0.3", "127.0.0.4", "::1") })), "::1");
  assert.ok(performance.now() - started < 450, "no attempt delay was waited for");
});

test("a silent address delays the next by 250 ms; losers are closed and nothing is left", { timeout: 5_000 }, async (t) => {
  const { port } = await blackHole(t, "127.0.0.2");
  await serverAt(t, LOOPBACK, port);
  const before = openResources();
  const started = performance.now();
  const result = await dialOnce(t, { port, resolver: resolving("127.0.0.2", LOOPBACK) });
  const elapsedMs = performance.now() - started;
  assert.equal(outcome(result), LOOPBACK);
  assert.ok(elapsedMs >= 245 && elapsedMs < 900, `${elapsedMs} ms`);
  assert.ok(result.ok);
  result.connection.destroy();
  await until(() => result.connection.closed);
  await until(() => openResources() === before);
});

test("an attempt goes on while later ones are made, and may still win", { timeout: 8_000 }, async (t) => {
  const first = await blackHole(t, "127.0.0.2");
  await blackHole(t, LOOPBACK, first.port);
  const dialling = dialOnce(t, { port: first.port, resolver: resolving("127.0.0.2", LOOPBACK) });
  setTimeout(first.release, 400);
  assert.equal(outcome(await dialling), "127.0.0.2");
});

test("the time limit covers resolving and connecting, and reports what is most telling", { timeout: 5_000 }, async (t) => {
  const { port } = await blackHole(t, LOOPBACK);
  const before = openResources();
  const started = performance.now();
  assert.equal(outcome(await dialOnce(t, { host: LOOPBACK, port, timeoutMs: 120 })), "DIAL_TIMEOUT");
  const elapsedMs = performance.now() - started;
  assert.ok(elapsedMs >= 115 && elapsedMs < 600, `${elapsedMs} ms`);
  const hanging = new CachingResolver({ lookup: () => new Promise(() => {}), queryTimeoutMs: 100 });
  assert.equal(outcome(await dialOnce(t, { port, resolver: hanging, timeoutMs: 20 })), "DIAL_TIMEOUT");
  const oneRefuses = resolving("127.0.0.3", LOOPBACK);
  assert.equal(outcome(await dialOnce(t, { port, resolver: oneRefuses, timeoutMs: 100 })), "DIAL_REFUSED");
  await until(() => openResources() === before);
});

test("cancelled in any phase it tells nothing and leaves nothing", { timeout: 5_000 }, async (t) => {
  const { port } = await blackHole(t, LOOPBACK);
  const { port: open } = await plainServer(t);
  const before = openResources();
  const told: DialResult[] = [];
  const start = (options: Partial<DialOptions>) =>
    startDial({ host: "target.example", port, timeoutMs: 5_000, resolver: resolving(LOOPBACK), ...options }, (result) => told.push(result));
  const hanging = new CachingResolver({ lookup: () => new Promise(() => {}), queryTimeoutMs: 100 });
  const cases: Partial<DialOptions>[] = [
    { port: 0 },
    { admit: () => false },
    { host: LOOPBACK, admit: () => false },
    { host: LOOPBACK, port: open },
    { port: open },
    { host: LOOPBACK },
    { resolver: hanging },
    {},
  ];
  for (const options of cases) start(options).cancel();
  const later = cases.slice(-3).map(start);
  await after(20);
  for (const dialling of later) dialling.cancel();
  await until(() => openResources() === before);
  assert.deepEqual(told, []);
});

test("cancelling has no say once the connection stands", { timeout: 5_000 }, async (t) => {
  const { port } = await plainServer(t);
  for (const host of [LOOPBACK, "target.example"]) {
    const { dialling, result } = await new Promise<{ dialling: Dial; result: DialResult }>((resolve) => {
      const dialling = startDial({ host, port, timeoutMs: 5_000, resolver: resolving(LOOPBACK) }, (result) =>
        resolve({ dialling, result }),
      );
    });
    assert.ok(result.ok);
    dialling.cancel();
    assert.equal(result.connection.closed, false, host);
    result.connection.destroy();
    await until(() => result.connection.closed);
  }
});

test("what is known at once is told later all the same", { timeout: 5_000 }, async () => {
  const cached = resolving(LOOPBACK, "127.0.0.2");
  await cached.resolve("target.example");
  for (const options of [{ port: 0 }, { admit: () => false }, { host: LOOPBACK, admit: () => false }]) {
    let isStarted = false;
    const code = await new Promise((resolve) => {
      startDial({ host: "target.example", port: 9, timeoutMs: 5_000, resolver: cached, ...options }, (result) =>
        resolve(isStarted && outcome(result)),
      );
      isStarted = true;
    });
    assert.equal(code, options.port === 0 ? "DIAL_FAILED" : "TARGET_FORBIDDEN");
  }
});

test("dials of one time limit end each in its own time, also one begun when another ends", { timeout: 8_000 }, async (t) => {
  const { port } = await blackHole(t, LOOPBACK);
  const dialIt = (): Promise<number> => {
    const started = performance.now();
    return dialOnce(t, { host: LOOPBACK, port, timeoutMs: 150 }).then((result) => {
      assert.equal(outcome(result), "DIAL_TIMEOUT");
      return performance.now() - started;
    });
  };
  const first = dialIt();
  await after(70);
  const second = dialIt();
  const third = first.then(dialIt);
  for (const elapsedMs of await Promise.all([first, second, third])) assert.ok(elapsedMs >= 145 && elapsedMs < 1_000, `${elapsedMs} ms`);
});

test("no descriptors left is OUT_OF_DESCRIPTORS", { timeout: 10_000 }, async () => {
  const script = fileURLToPath(new URL("scarce-dialler.ts", import.meta.url));
  const { stdout } = await promisify(execFile)("sh", ["-c", 'ulimit -n 64; exec "$0" "$1"', process.execPath, script]);
  assert.equal(stdout, "OUT_OF_DESCRIPTORS");
});

test("system errors map to codes", () => {
  const table = {
    ECONNREFUSED: "DIAL_REFUSED",
    EHOSTUNREACH: "DIAL_HOST_UNREACHABLE",
    ENETUNREACH: "DIAL_NETWORK_UNREACHABLE",
    EADDRNOTAVAIL: "DIAL_NETWORK_UNREACHABLE",
    EAFNOSUPPORT: "DIAL_NETWORK_UNREACHABLE",
    ETIMEDOUT: "DIAL_TIMEOUT",
    EMFILE: "OUT_OF_DESCRIPTORS",
    ENFILE: "OUT_OF_DESCRIPTORS",
    EPERM: "DIAL_FAILED",
    EINVAL: "DIAL_FAILED",
  };
  for (const [code, expected] of Object.entries(table)) {
    const cause = Object.assign(new Error(code), { code });
    assert.deepEqual(dialFailure(cause), { code: expected, cause });
  }
  assert.equal(dialFailure(new Error("no code")).code, "DIAL_FAILED");
});

test("of several failures the most telling is reported, whatever their order", () => {
  const failure = (code: DialFailure["code"]): DialFailure => ({ code, cause: undefined });
  const ranked = [
    "OUT_OF_DESCRIPTORS",
    "DIAL_REFUSED",
    "DIAL_HOST_UNREACHABLE",
    "DIAL_TIMEOUT",
    "DIAL_FAILED",
    "DIAL_NETWORK_UNREACHABLE",
  ] as const;
  for (const [i, better] of ranked.entries()) {
    assert.equal(moreTelling(undefined, failure(better)).code, better);
    for (const worse of ranked.slice(i)) {
      assert.equal(moreTelling(failure(better), failure(worse)).code, better);
      assert.equal(moreTelling(failure(worse), failure(better)).code, better);
    }
  }
});
