import { join } from "node:path";
import { eventually, type RunningProgram, startNodeScript } from "@shadowfleet/testkit";
import type { LoadTarget } from "./loaded-fleet.ts";
import { STATS_PORT, type TargetStats } from "./target/ports.ts";

const SERVER = join(import.meta.dirname, "target/server.ts");
const START_DEADLINE_MS = 30_000;

/** The target as a process of its own, on a loopback address of its own: its ports are fixed. */
export class TargetProcess implements LoadTarget, AsyncDisposable {
  readonly host: string;
  readonly #program: RunningProgram;

  private constructor(host: string, program: RunningProgram) {
    this.host = host;
    this.#program = program;
  }

  static async start(): Promise<TargetProcess> {
    // One address a test process: suites may run side by side.
    const host = `127.${64 + (process.pid >> 16)}.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}`;
    const target = new TargetProcess(host, startNodeScript(SERVER, [host]));
    try {
      await eventually("the target to listen", () => target.#isUp(), START_DEADLINE_MS);
    } catch (error) {
      await target[Symbol.asyncDispose]();
      throw error;
    }
    return target;
  }

  async stats(): Promise<TargetStats> {
    const answer = await fetch(`http://${this.host}:${STATS_PORT}/`);
    return (await answer.json()) as TargetStats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop();
  }

  #isUp(): Promise<boolean> {
    if (!this.#program.isRunning) throw new Error(`the target ended; it wrote:\n${this.#program.output}`);
    return this.stats().then(
      () => true,
      () => false,
    );
  }
}
