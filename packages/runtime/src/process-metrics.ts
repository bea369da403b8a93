import { readdirSync, readFileSync } from "node:fs";
import type { Metrics, Observation } from "./metrics.ts";

const MICROSECONDS_PER_SECOND = 1e6;
const startedAtSeconds = Date.now() / 1000 - process.uptime();

/** Registers readers of the process's own CPU time, memory and descriptors. Each costs microseconds, at scrape time only. */
export function observeProcess(metrics: Metrics): void {
  metrics.observe("process.cpu.seconds", () => {
    const { user, system } = process.cpuUsage();
    return [{ value: (user + system) / MICROSECONDS_PER_SECOND }];
  });
  metrics.observe("process.resident.memory.bytes", () => [{ value: process.memoryUsage.rss() }]);
  metrics.observe("process.start.time.seconds", () => [{ value: startedAtSeconds }]);
  metrics.observe("process.open.fds", () => fromProc(() => readdirSync("/proc/self/fd").length));
  metrics.observe("process.max.fds", () =>
    fromProc(() => Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? Number.POSITIVE_INFINITY)),
  );
}

/** No series where there is no /proc. */
function fromProc(read: () => number): Observation[] {
  try {
    return [{ value: read() }];
  } catch {
    return [];
  }
}
