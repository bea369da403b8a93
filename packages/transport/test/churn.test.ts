import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import net from "node:net";
import test, { type TestContext } from "node:test";
import { systemClock } from "@shadowfleet/runtime";
import { CachingResolver } from "../src/caching-resolver.ts";
import { type PumpResult, startPump } from "../src/pump.ts";
import { Sweeper } from "../src/sweeper.ts";
import { dialOf } from "./dial-of.ts";
import { LOOPBACK, listen, until } from "./loopback.ts";
import { CountingPool } from "./pump-rig.ts";
import { XorTransform } from "./transforms.ts";

const CONNECTIONS = 3_000;
const AT_A_TIME = 50;

type Ending = "by client" | "by target" | "client resets";
const ENDINGS: readonly Ending[] = ["by client", "by target", "client resets"];
const REFUSED_EVERY = 4;

/** Open descriptors of this process, when the system lists them. */
const descriptors = (): number => readdirSync("/proc/self/fd").length;
const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

interface Relay {
  readonly port: number;
  readonly live: () => number;
  readonly results: PumpResult[];
  readonly refusals: () => number;
  readonly pool: CountingPool;
  readonly sweeper: Sweeper;
}

/** Relays port to target; every fourth connection goes to a port where nobody listens. */
async function relay(t: TestContext, targetPort: number, closedPort: number): Promise<Relay> {
  const shared = { pool: new CountingPool(), sweeper: new Sweeper(systemClock, 50) };
  const results: PumpResult[] = [];
  const resolver = new CachingResolver();
  let accepted = 0;
  let refusals = 0;
  const listener = await listen(t, {
    onConnection: async (client) => {
      const port = accepted % REFUSED_EVERY === 0 ? closedPort : targetPort;
      accepted += 1;
      const dialled = await dialOf({ host: LOOPBACK, port, timeoutMs: 5_000, resolver });
      if (!dialled.ok) {
        refusals += 1;
        client.reset();
        return;
      }
      const transforms = { up: new XorTransform(), down: new XorTransform() };
      const rest = { plainSide: "target", meter: { up: 0, down: 0 }, carriedUp: 0, idleTimeoutMs: 5_000 } as const;
      startPump({ client, target: dialled.connection, ...transforms, ...rest, onDone: (result) => results.push(result) }, shared);
    },
  });
  return { port: listener.port, live: () => listener.connections, results, refusals: () => refusals, ...shared };
}

/** Echoes; ends first when told so by the first byte. */
async function echoServer(t: TestContext): Promise<{ port: number; close: () => Promise<void> }> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => socket.write(chunk));
    socket.once("data", (chunk) => {
      if (chunk[0] === ("t".charCodeAt(0) ^ 0x5a)) socket.end();
    });
    socket.on("end", () => socket.end());
  });
  const closed = Promise.withResolvers<void>();
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const close = (): Promise<void> => {
    server.close(() => closed.resolve());
    return closed.promise;
  };
  t.after(() => server.close());
  return { port: (server.address() as net.AddressInfo).port, close };
}

function visit(port: number, ending: Ending): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: LOOPBACK, allowHalfOpen: true });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.write(ending === "by target" ? "t" : "c");
    socket.once("data", () => {
      if (ending === "by client") socket.end();
      if (ending === "client resets") socket.resetAndDestroy();
    });
    socket.on("end", () => socket.end());
  });
}

test("thousands of quick connections, ending in every way, leave nothing behind", { timeout: 60_000 }, async (t) => {
  const echo = await echoServer(t);
  const closedServer = await echoServer(t);
  await closedServer.close();
  const { port, live, results, refusals, pool, sweeper } = await relay(t, echo.port, closedServer.port);
  await Promise.all(ENDINGS.map((ending) => visit(port, ending)));
  await until(() => live() === 0 && sweeper.size === 0);
  const before = { descriptors: descriptors(), sockets: sockets() };

  for (let done = 0; done < CONNECTIONS; done += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, i) => visit(port, ENDINGS[i % ENDINGS.length]!)));
  }
  await until(() => live() === 0 && results.length + refusals() === CONNECTIONS + ENDINGS.length);
  await until(() => sockets() <= before.sockets && descriptors() <= before.descriptors);
  assert.equal(pool.out, 0);
  assert.equal(sweeper.size, 0);
  assert.equal(refusals(), Math.ceil((CONNECTIONS + ENDINGS.length) / REFUSED_EVERY));
  const outcomes = new Set(results.map(({ outcome }) => outcome));
  assert.ok(outcomes.has("OK"));
  for (const outcome of outcomes) assert.ok(outcome === "OK" || outcome === "RELAY_CLIENT_ERROR", outcome);
  for (const { bytesUp, bytesDown } of results) assert.deepEqual([bytesUp, bytesDown], [1, 1]);
});
