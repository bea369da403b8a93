import type { FleetCommand } from "@shadowfleet/store";
import type { DirectoryEvent } from "../directory/fleet-directory.ts";
import { addTouched, nothingTouched, type Touched } from "../directory/touched.ts";

/** What a stream has yet to tell. */
export interface PendingWork {
  readonly isSnapshot: boolean;
  readonly touched: Touched | undefined;
  readonly failCounts: ReadonlySet<string>;
  readonly commands: readonly FleetCommand[];
}

/** A slow peer gets what piled up in one message: bounded by the number of resources, and of commands the newest are kept. */
const MAX_COMMANDS = 10_000;

/** Collects events of the directory until the stream can take more. */
export class PendingChanges {
  #isSnapshot = false;
  #touched: Touched | undefined;
  #failCounts = new Set<string>();
  #commands: FleetCommand[] = [];
  #wake: () => void = () => {};

  get isEmpty(): boolean {
    return !this.#isSnapshot && !this.#touched && this.#failCounts.size === 0 && this.#commands.length === 0;
  }

  add(event: DirectoryEvent): void {
    if (event.type === "reset") this.askSnapshot();
    else if (event.type === "touched") this.addTouched(event.touched);
    else if (event.type === "fail-count") this.#failCounts.add(event.upstreamId);
    else if (this.#commands.push(event.command) > MAX_COMMANDS) this.#commands.shift();
    this.#wake();
  }

  /** Everything again; single changes are part of that. */
  askSnapshot(): void {
    this.#isSnapshot = true;
    this.#touched = undefined;
    this.#failCounts = new Set();
    this.#wake();
  }

  addTouched(touched: Touched): void {
    if (this.#isSnapshot) return;
    this.#touched ??= nothingTouched();
    addTouched(this.#touched, touched);
  }

  take(): PendingWork {
    const work = { isSnapshot: this.#isSnapshot, touched: this.#touched, failCounts: this.#failCounts, commands: this.#commands };
    this.#isSnapshot = false;
    this.#touched = undefined;
    this.#failCounts = new Set();
    this.#commands = [];
    return work;
  }

  /** Resolves when there is something, the time is over or the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.isEmpty || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
      this.#wake = done;
    });
  }
}
