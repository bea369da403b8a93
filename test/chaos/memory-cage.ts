import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@shadowfleet/testkit";

/** Version 2 of control groups, or version 1 where the memory controller is mounted by itself. */
const ROOTS = [
  { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
  { root: "/sys/fs/cgroup", limit: "memory.max" },
];
/** What it has already stays on its old group's account. */
const MORE_BYTES = 4096;
const GONE_DEADLINE_MS = 10_000;

/** A control group around a running process in which it may get hardly more memory: the next that it needs, the kernel kills it for. */
export class MemoryCage implements AsyncDisposable {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static around(pid: number): MemoryCage {
    const found = ROOTS.find(({ root }) => existsSync(join(root, "cgroup.procs")));
    if (!found) throw new Error("there are no control groups to limit memory with");
    const dir = join(found.root, `chaos-${process.pid}-${pid}`);
    mkdirSync(dir);
    writeFileSync(join(dir, found.limit), String(MORE_BYTES));
    writeFileSync(join(dir, "cgroup.procs"), String(pid));
    return new MemoryCage(dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await eventually("the caged process to be gone", () => readFileSync(join(this.#dir, "cgroup.procs"), "utf8") === "", GONE_DEADLINE_MS);
    rmdirSync(this.#dir);
  }
}
