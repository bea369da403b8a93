import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Bytes that JavaScript holds, buffers included, once garbage is gone. */
export function heldBytes(): number {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const DEFAULT_ALLOWANCE = 48 * 1024 * 1024;

/** Compares what is held after each unit of a target with what was held after its first two, which fill caches and compile. */
export class HeapWatch {
  readonly #baselines = new Map<string, { units: number; bytes: number }>();

  /** A sentence when a target holds more than it may. */
  after(target: string, allowance: number = DEFAULT_ALLOWANCE): string | undefined {
    const bytes = heldBytes();
    const known = this.#baselines.get(target) ?? { units: 0, bytes };
    this.#baselines.set(target, known);
    known.units += 1;
    if (known.units <= 2) known.bytes = bytes;
    const growth = bytes - known.bytes;
    if (growth <= allowance) return undefined;
    known.bytes = bytes;
    return `holds ${(growth / 2 ** 20).toFixed(0)} MiB more than after its first units`;
  }
}
