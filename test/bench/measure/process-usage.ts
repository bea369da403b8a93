import { readFileSync } from "node:fs";

/** What a process and its descendants have used so far. */
export interface ProcessUsage {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** When it was read, monotonic. */
  readonly atSeconds: number;
}

/** What they used between two readings. */
export interface UsageBetween {
  /** CPU seconds per second: 1 is one core. */
  readonly cpuShare: number;
  /** At the second reading. */
  readonly rssBytes: number;
}

/** The unit of utime and stime; the kernel presents 100 to user space on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;
/** Positions in /proc/PID/stat behind the command (proc(5) counts from 1 and the command is field 2). */
const UTIME = 14 - 3;
const STIME = 15 - 3;

/** CPU seconds from the text of /proc/PID/stat, which speaks for all threads of the process. Throws when it is not one. */
export function cpuSecondsOf(stat: string): number {
  // The command may contain blanks and parentheses; the last one closes it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  if (!stat.includes(")") || !Number.isFinite(ticks)) throw new Error(`not the stat of a process: ${stat.slice(0, 80)}`);
  return ticks / TICKS_PER_SECOND;
}

/** Resident bytes from the text of /proc/PID/status. Throws when it says none, as for a process that has ended. */
export function rssBytesOf(status: string): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (!match) throw new Error("a process without resident memory: it has ended");
  return Number(match[1]) * 1024;
}

/** Reads a process and its descendants. Throws when the process itself is gone. */
export function readUsage(pid: number): ProcessUsage {
  const atSeconds = performance.now() / 1000;
  let cpuSeconds = 0;
  let rssBytes = 0;
  for (const member of familyOf(pid)) {
    cpuSeconds += cpuSecondsOf(readFileSync(`/proc/${member}/stat`, "latin1"));
    rssBytes += rssBytesOf(readFileSync(`/proc/${member}/status`, "latin1"));
  }
  return { cpuSeconds, rssBytes, atSeconds };
}

export function usageBetween(before: ProcessUsage, after: ProcessUsage): UsageBetween {
  const seconds = after.atSeconds - before.atSeconds;
  if (!(seconds > 0)) throw new RangeError("the readings are not in order");
  return { cpuShare: (after.cpuSeconds - before.cpuSeconds) / seconds, rssBytes: after.rssBytes };
}

function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
  return [pid, ...(children === "" ? [] : children.split(" ").flatMap((child) => familyOf(Number(child))))];
}
