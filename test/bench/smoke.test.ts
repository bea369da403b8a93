import assert from "node:assert/strict";
import { test } from "node:test";
import { buildLoadPrograms, missingCompilerReason } from "./generator/load-programs.ts";
import { runLoad } from "./generator/load-run.ts";
import { startLoadTarget } from "./generator/load-target.ts";
import { shadowfleet } from "./sides/shadowfleet.ts";
import { runSuite } from "./suite.ts";

const missing = missingCompilerReason();
// Where CI is set, nothing is skipped: the build then fails with the same reason.
const NEEDS_COMPILER = missing === undefined || process.env.CI ? {} : { skip: missing };
const TIMING = { warmUpMs: 50, connectionsWarmUpMs: 50, rampMs: 20, windowMs: 200, rounds: 1, idleRounds: 1, settleMs: 50 };
const METHOD = "aes-256-gcm";

test("each mode runs end to end through our own processes and yields figures", NEEDS_COMPILER, async () => {
  const programs = await buildLoadPrograms();
  await using target = await startLoadTarget(programs);
  const results = await runSuite(
    { programs, target },
    [shadowfleet],
    [
      { kind: "bulk", method: METHOD, direction: "down", connections: 2 },
      { kind: "bulk", method: METHOD, direction: "up", connections: 2 },
      { kind: "connections", method: METHOD, inFlight: 4 },
      { kind: "latency", method: METHOD, connections: 2, load: 0.3 },
      { kind: "udp", method: METHOD, pattern: "echo", payloadBytes: 512, inFlight: 16 },
      { kind: "udp", method: METHOD, pattern: "one-way", payloadBytes: 512, inFlight: 64 },
    ],
    TIMING,
    () => {},
  );
  assert.deepEqual(
    results.flatMap(({ error }) => error ?? []),
    [],
  );
  const figures = results.map(({ rounds }) => rounds.get("shadowfleet")?.[0] ?? {});
  for (const figure of figures) assert.ok((figure.localRssMib ?? 0) > 10);
  const [down, up, connections, latency, echo, oneWay] = figures;
  assert.ok(down!.throughput! > 1 && down!.localCpuPerGib! > 0 && down!.serverCpuPerGib! > 0);
  assert.ok(up!.throughput! > 1);
  assert.ok(connections!.connectionRate! > 10);
  assert.equal(connections!.failures, 0);
  assert.ok(latency!.p50Us! > 0 && latency!.p50Us! <= latency!.p99Us! && latency!.p99Us! <= latency!.p999Us!);
  assert.equal(latency!.failures, 0);
  assert.ok(echo!.packetRate! > 10);
  assert.ok(oneWay!.packetRate! > 10);
});

test("connections are held, counted and found alive at the end", NEEDS_COMPILER, async () => {
  const programs = await buildLoadPrograms();
  await using target = await startLoadTarget(programs);
  const scenario = { kind: "idle", method: METHOD, steps: [20, 50] } as const;
  const [result] = await runSuite({ programs, target }, [shadowfleet], [scenario], TIMING, () => {});
  assert.equal(result?.error, undefined);
  const figures = result?.rounds.get("shadowfleet")?.[0];
  assert.equal(figures?.failures, 0);
  assert.ok((figures?.serverBaseMib ?? 0) > 10);
});

test("a proxy that is not there is a failure with the generator's reason, not a figure", NEEDS_COMPILER, async () => {
  const programs = await buildLoadPrograms();
  await using target = await startLoadTarget(programs);
  // The target speaks no SOCKS5: it ends a connection that begins with neither of its words.
  const pair = { proxyPort: target.port, localPid: process.pid, serverPid: process.pid };
  const run = runLoad({ programs, target }, pair, "bulk-down", { rampMs: 10, windowMs: 10 }, { connections: 1 });
  await assert.rejects(run, /load bulk-down, waiting for "start": expected 2 bytes, got/);
});
