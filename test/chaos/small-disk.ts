import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "@shadowfleet/testkit";

const BLOCK = Buffer.alloc(256 * 1024);

/** Why there can be no small disk here; undefined where there can. CI is root. */
export function smallDiskMissingReason(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "only root may mount a small disk";
}

/** A disk so small that a test can fill it: a tmpfs, which root alone may mount. */
export class SmallDisk implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async mount(megabytes: number): Promise<SmallDisk> {
    const dir = await mkdtemp(join(tmpdir(), "small-disk-"));
    const { code, stderr } = await runProgram("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", dir]);
    if (code !== 0) throw new Error(`a small disk cannot be mounted: ${stderr}`);
    return new SmallDisk(dir);
  }

  /** Writes until nothing more goes on it. */
  async fill(): Promise<void> {
    const file = await open(this.#filler, "w");
    try {
      for (let block = BLOCK; ; ) if ((await file.write(block)).bytesWritten < block.length) block = block.subarray(0, 1);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      await file.close();
    }
  }

  /** Takes away what `fill` wrote. */
  async empty(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  get #filler(): string {
    return join(this.dir, "filler");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runProgram("umount", [this.dir]);
    await rm(this.dir, { recursive: true, force: true });
  }
}
