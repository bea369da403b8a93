import assert from "node:assert/strict";
import { test } from "node:test";
import { buildLoadPrograms, missingCompilerReason } from "./generator/load-programs.ts";
import { startLoadTarget } from "./generator/load-target.ts";
import { measureIdle } from "./measure/idle-scenario.ts";
import { startWorkers } from "./sides/shadowfleet.ts";

const CONNECTIONS = 10_000;
/** Of each hop. A connection takes two descriptors of a proxy, and many machines allow a process 20,000. */
const WORKERS = 2;
const KIB_PER_CONNECTION = 18;

const missing = missingCompilerReason();
const OPTIONS = missing === undefined || process.env.CI ? { timeout: 240_000 } : { skip: missing };
const TIMING = { warmUpMs: 0, connectionsWarmUpMs: 0, rampMs: 0, windowMs: 0, rounds: 1, idleRounds: 1, settleMs: 500 };

test(
  `${CONNECTIONS} connections at once through gateway and tcp-relay: all served, used again at the end, none dropped`,
  OPTIONS,
  async (t) => {
    const programs = await buildLoadPrograms();
    await using target = await startLoadTarget(programs);
    const side = {
      name: "workers",
      missing: undefined,
      version: async () => "",
      supports: () => true,
      start: (method: string) => startWorkers(method, WORKERS),
    };
    const scenario = { kind: "idle", method: "aes-256-gcm", steps: [CONNECTIONS] } as const;
    const rounds = await measureIdle({ programs, target }, [side], scenario, TIMING);
    const figures = rounds.get("workers")?.[0];
    assert.equal(figures?.failures, 0);
    const { localKibPerConnection: gateway = Number.NaN, serverKibPerConnection: relay = Number.NaN, localRssMib, serverRssMib } = figures!;
    t.diagnostic(
      `gateway ${gateway.toFixed(1)}, relay ${relay.toFixed(1)} KiB a connection; ${localRssMib?.toFixed(0)} and ${serverRssMib?.toFixed(0)} MiB in all`,
    );
    assert.ok(gateway > 1 && gateway <= KIB_PER_CONNECTION && relay > 1 && relay <= KIB_PER_CONNECTION, `${gateway} and ${relay} KiB`);
  },
);
