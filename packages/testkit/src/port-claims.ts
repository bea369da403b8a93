import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One file for each number, with the process that has it. */
const FOLDER = join(tmpdir(), "shadowfleet-test-ports");
const claimed = new Set<number>();

/**
 * Files of tests run side by side, and some time passes from choosing a number to binding it: until this process ends the number is its own.
 * False: another process has it. Where no file can be written nothing is agreed on, and every number may be had.
 */
export function claimPort(port: number): boolean {
  const file = join(FOLDER, String(port));
  try {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return true;
    if (isHeld(file)) return false;
    writeFileSync(file, String(process.pid));
  }
  if (claimed.size === 0) process.once("exit", release);
  claimed.add(port);
  return true;
}

/** Not by a process that was killed and left its file. */
function isHeld(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function release(): void {
  for (const port of claimed) rmSync(join(FOLDER, String(port)), { force: true });
}
