import { Worker } from "node:worker_threads";
import { HeapWatch } from "./heap.ts";
import type { FuzzTarget } from "./target.ts";
import { runUnit, type UnitReport } from "./unit.ts";
import type { WatchdogOrders } from "./watchdog.ts";
import { WatchedInput } from "./watched-input.ts";

/** What the crew asks of a process. */
export interface UnitOrder {
  readonly target: string;
  readonly seed: number;
  /** Of the target's unit. */
  readonly share: number;
}

/** arguments: the module that lists the targets, the longest time for one input, where the watchdog writes. */
const [registry = "", hangMs = "", lastWords = ""] = process.argv.slice(2);
const { targets } = (await import(registry)) as { readonly targets: readonly FuzzTarget[] };
const heap = new HeapWatch();
const watched = new WatchedInput();
const orders: WatchdogOrders = { memory: watched.memory, hangMs: Number(hangMs), path: lastWords };
new Worker(new URL("./watchdog.ts", import.meta.url), { workerData: orders }).unref();
const pulse = setInterval(() => watched.touch(), 500);

process.on("message", (order: UnitOrder) => void serve(order));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

async function serve({ target: name, seed, share }: UnitOrder): Promise<void> {
  const target = targets.find((candidate) => candidate.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  // From here on only inputs count: a target that waits for ever hangs as much as one that loops.
  clearInterval(pulse);
  const report = await runUnit(target, { seed, share, onInput: (input, index) => watched.put(input, index) });
  watched.touch();
  const excess = heap.after(name, target.heapAllowance);
  const memory = excess === undefined ? [] : [{ target: name, kind: "memory" as const, message: excess, seed, index: report.inputs }];
  pulse.refresh();
  process.send?.({ ...report, findings: [...report.findings, ...memory] } satisfies UnitReport);
}
