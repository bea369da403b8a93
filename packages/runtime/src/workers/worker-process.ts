import { type ChildProcess, fork } from "node:child_process";
import { type LinkHandlers, ProcessLink } from "./process-link.ts";
import { SEAT_VARIABLE, type WorkerSeat } from "./worker-seat.ts";

/** The program a group runs: this one, as it was started. */
export interface WorkerProgram {
  readonly file: string;
  readonly args: readonly string[];
}

/** One worker process of a group, from its start to its end. */
export class WorkerProcess {
  readonly seat: WorkerSeat;
  readonly link: ProcessLink;
  /** Its exit code; 1 when a signal ended it. */
  readonly exited: Promise<number>;
  /** Its app's start has returned: it serves what it could bind. */
  readonly whenStarted: Promise<void>;
  isServing = false;
  readonly #child: ChildProcess;

  /** Its output goes where this process's goes. */
  constructor({ file, args }: WorkerProgram, seat: WorkerSeat, handlers: LinkHandlers) {
    this.seat = seat;
    this.#child = fork(file, args, {
      env: { ...process.env, [SEAT_VARIABLE]: `${seat.index}/${seat.count}` },
      serialization: "advanced",
    });
    const whenStarted = Promise.withResolvers<void>();
    this.whenStarted = whenStarted.promise;
    const started = () => {
      this.isServing = true;
      whenStarted.resolve();
    };
    this.link = new ProcessLink(this.#child, { ...handlers, started });
    const ended = Promise.withResolvers<number>();
    this.exited = ended.promise;
    this.#child.once("error", () => ended.resolve(1));
    this.#child.once("exit", (code) => {
      this.isServing = false;
      ended.resolve(code ?? 1);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
