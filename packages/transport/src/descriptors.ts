import { closeSync, openSync, readFileSync } from "node:fs";
import { devNull } from "node:os";

const FALLBACK_LIMIT = 1024;

/** The soft "Max open files" in the text of /proc/<pid>/limits; undefined when the line is missing, Infinity for "unlimited". */
export function parseDescriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/** File descriptors this process may have open, for deriving `maxConnections`; 1,024 where the system does not tell. */
export function readDescriptorLimit(): number {
  try {
    return parseDescriptorLimit(readFileSync("/proc/self/limits", "utf8")) ?? FALLBACK_LIMIT;
  } catch {
    return FALLBACK_LIMIT;
  }
}

/** The number the next opened descriptor will get, Infinity when none is left. The kernel hands out the lowest free one. */
export function nextDescriptor(): number {
  try {
    const descriptor = openSync(devNull, "r");
    closeSync(descriptor);
    return descriptor;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
