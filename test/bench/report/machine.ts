import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** Where the figures were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  /** Of the last minute, before the first run: what else the machine was doing. */
  readonly loadBefore: number;
  readonly maxDescriptors: number;
}

const GIB = 1024 ** 3;

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGib: totalmem() / GIB,
    kernel: release(),
    loadBefore: loadavg()[0] ?? 0,
    maxDescriptors: descriptorLimitOf(readFileSync("/proc/self/limits", "latin1")),
  };
}

/** The hard limit of open files from the text of /proc/self/limits; every process of a run inherits it. Throws when there is no such line. */
export function descriptorLimitOf(limits: string): number {
  const match = /^Max open files\s+\S+\s+(\S+)/m.exec(limits);
  if (!match) throw new Error("no limit of open files in /proc/self/limits");
  return match[1] === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(match[1]);
}
