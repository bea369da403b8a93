import { setTimeout as delay } from "node:timers/promises";
import { type LoadBench, type ProxyPair, resultOf, startLoad, waitForEvent } from "../generator/load-run.ts";
import type { IdleScenario } from "../scenario.ts";
import type { Side } from "../sides/side.ts";
import type { Timing } from "../timing.ts";
import type { Figures, Rounds } from "./figures.ts";
import { interleave } from "./interleave.ts";
import { readUsage } from "./process-usage.ts";

const MIB = 1024 * 1024;
const KIB = 1024;
/** Opened and closed before the base is read, so that code and buffers needed for any connection do not count against the held ones. */
const WARM_UP_CONNECTIONS = 200;
const STEP_DEADLINE_MS = 60_000;

/** Memory of both hops while connections are held, in fresh processes each round. Each connection is used when it opens and again at the end. */
export function measureIdle(bench: LoadBench, sides: readonly Side[], scenario: IdleScenario, timing: Timing): Promise<Rounds> {
  const byName = new Map(sides.map((side) => [side.name, side]));
  return interleave([...byName.keys()], timing.idleRounds, async (name) => {
    await using stack = await byName.get(name)!.start(scenario.method);
    const pair = { proxyPort: stack.proxyPort, localPid: stack.localPid, serverPid: stack.serverPid.tcp };
    await hold(bench, pair, [WARM_UP_CONNECTIONS], timing.settleMs);
    await delay(timing.settleMs);
    const base = memoryOf(pair);
    const { held, unanswered, last } = await hold(bench, pair, scenario.steps, timing.settleMs);
    return idleFigures(base, last, held, unanswered);
  });
}

interface Memory {
  readonly localBytes: number;
  readonly serverBytes: number;
}

/** Exported for its arithmetic. `held`: connections between the two readings. */
export function idleFigures(base: Memory, last: Memory, held: number, unanswered: number): Figures {
  return {
    localKibPerConnection: (last.localBytes - base.localBytes) / KIB / held,
    serverKibPerConnection: (last.serverBytes - base.serverBytes) / KIB / held,
    localBaseMib: base.localBytes / MIB,
    serverBaseMib: base.serverBytes / MIB,
    localRssMib: last.localBytes / MIB,
    serverRssMib: last.serverBytes / MIB,
    failures: unanswered,
  };
}

function memoryOf({ localPid, serverPid }: ProxyPair): Memory {
  return { localBytes: readUsage(localPid).rssBytes, serverBytes: readUsage(serverPid).rssBytes };
}

async function hold(bench: LoadBench, pair: ProxyPair, steps: readonly number[], settleMs: number) {
  await using program = startLoad(bench, pair, "idle", { steps: steps.join(",") });
  let last: Memory | undefined;
  for (const step of steps) {
    await waitForEvent(program, "idle", `holding ${step}`, STEP_DEADLINE_MS);
    await delay(settleMs);
    last = memoryOf(pair);
    program.write("go on\n");
  }
  const { open = 0, answered = 0 } = await resultOf(program, "idle");
  if (last === undefined || open === 0) throw new Error("no connection was held");
  return { held: open, unanswered: open - answered, last };
}
