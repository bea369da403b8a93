import { setTimeout as sleep } from "node:timers/promises";
import type { Readiness } from "../app.ts";
import { timeLimit } from "../deadline.ts";
import { FleetError } from "../fleet-error.ts";
import type { DrivenApp } from "../lifecycle.ts";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";
import { MergedMetrics } from "./merged-metrics.ts";
import { PortClaims } from "./port-claims.ts";
import type { LinkHandlers } from "./process-link.ts";
import type { Note, PortClaim } from "./worker-context.ts";
import { WorkerProcess, type WorkerProgram } from "./worker-process.ts";

export interface WorkerGroupOptions {
  readonly count: number;
  readonly program: WorkerProgram;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Questions of workers that the service answers here. */
  readonly answers?: LinkHandlers;
}

/** How long a worker may take over what it is asked in passing; one that is busy for longer is as good as away. */
const ASK_LIMIT_MS = 2_000;
const RELOAD_LIMIT_MS = 60_000;
/** A worker that says nothing at all for so long hangs and is replaced. */
const WATCH_INTERVAL_MS = 5_000;
const HANGS_AFTER_MS = 30_000;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 10_000;
/** A worker that has lived for so long did not die of its start. */
const SETTLED_AFTER_MS = 30_000;
/** Workers end their sessions at the deadline and then write their last counts. */
const DRAIN_GRACE_MS = 1_500;

interface Seat {
  readonly index: number;
  worker: WorkerProcess;
  bornMs: number;
  heardMs: number;
  /** Ends in a row soon after the start. */
  deaths: number;
  readiness: Readiness;
}

const NOT_YET: Readiness = { ready: false, details: {} };

/**
 * The worker processes that serve the same ports side by side, as the first process drives them: starts them, replaces those that die, passes on
 * reloads and stops, and speaks for all of them. The first process serves nobody itself, so that nothing that goes wrong with a client ends it.
 */
export class WorkerGroup implements DrivenApp {
  readonly #options: WorkerGroupOptions;
  readonly #seats: Seat[] = [];
  readonly #merged = new MergedMetrics();
  readonly #claims = new PortClaims();
  #stopping = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: WorkerGroupOptions) {
    this.#options = options;
    const serving = () => this.#seats.filter(({ worker }) => worker.isServing).length;
    options.metrics.observe("fleet.workers", () => [{ value: serving() }]);
  }

  /** Rejects when a worker cannot start: as the service would in a process by itself. */
  async start(): Promise<void> {
    const { count, logger } = this.#options;
    const starts: Promise<void>[] = [];
    for (let index = 1; index <= count; index++) {
      const seat = this.#take(index);
      this.#seats.push(seat);
      starts.push(firstStart(seat.worker));
    }
    await Promise.all(starts);
    for (const seat of this.#seats) void this.#heal(seat);
    this.#watch = setInterval(() => void this.#replaceHanging(), WATCH_INTERVAL_MS).unref();
    logger.info({ workers: count, pids: this.#seats.map(({ worker }) => worker.pid) }, "workers serve");
  }

  /** As of the last `refresh`. Ready while one worker is: the others' clients are its clients until they are back. */
  readiness(): Readiness {
    const { count } = this.#options;
    const ready = this.#seats.filter(({ readiness }) => readiness.ready);
    const spokesman = this.#seats.find(({ readiness }) => !readiness.ready) ?? this.#seats[0];
    return { ready: ready.length > 0, details: { ...spokesman?.readiness.details, workers: `${ready.length} of ${count} ready` } };
  }

  /** Asks every worker how it is. */
  async refresh(): Promise<void> {
    await Promise.all(
      this.#seats.map(async (seat) => {
        seat.readiness = ((await this.#ask(seat, "readiness")) as Readiness | undefined) ?? NOT_YET;
      }),
    );
  }

  /** Prometheus text of all processes as one. */
  async scrape(): Promise<string> {
    const { metrics } = this.#options;
    const texts = this.#seats.map(async (seat) => {
      const text = await this.#ask(seat, "metrics");
      if (typeof text === "string" && this.#seats.includes(seat)) this.#merged.take(seat.index, text);
    });
    const [first] = await Promise.all([metrics.scrape(), ...texts]);
    return this.#merged.text(first);
  }

  /** Every worker reads the configuration file again, which the caller has found good. */
  async reload(): Promise<void> {
    await Promise.all(this.#seats.map(({ worker }) => worker.link.ask("reload", undefined, RELOAD_LIMIT_MS)));
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    for (const { worker } of this.#seats) worker.link.tell("stop", deadlineMs);
    const ends = Promise.all(this.#seats.map(({ worker }) => worker.exited));
    const inTime = await timeLimit(ends, deadlineMs + DRAIN_GRACE_MS);
    const codes = inTime ? await ends : [];
    if (!inTime || codes.some((code) => code !== 0))
      throw new FleetError("INTERNAL", `workers ended with ${codes.join(", ") || "nothing in time"}`);
  }

  /** Nothing of the group outlives its first process. */
  async close(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    for (const { worker } of this.#seats) worker.kill();
  }

  #take(index: number): Seat {
    const now = performance.now();
    return { index, worker: this.#spawn(index), bornMs: now, heardMs: now, deaths: 0, readiness: NOT_YET };
  }

  #spawn(index: number): WorkerProcess {
    const { program, count, answers = {} } = this.#options;
    return new WorkerProcess(
      program,
      { index, count },
      {
        ...answers,
        claimPort: (claim: PortClaim) => this.#claims.claim(claim),
        note: (note: Note) => this.#passOn(index, note),
      },
    );
  }

  #passOn(from: number, note: Note): void {
    for (const { index, worker } of this.#seats) if (index !== from) worker.link.tell("note", note);
  }

  /** For as long as the group lives: whenever the seat's worker ends, another takes its place. */
  async #heal(seat: Seat): Promise<void> {
    const { logger, metrics } = this.#options;
    for (;;) {
      const exitCode = await seat.worker.exited;
      seat.readiness = NOT_YET;
      if (this.#stopping) return;
      this.#merged.retire(seat.index);
      metrics.add("fleet.worker.exits", 1);
      seat.deaths = performance.now() - seat.bornMs > SETTLED_AFTER_MS ? 1 : seat.deaths + 1;
      const restartInMs = Math.min(LAST_RESTART_MS, FIRST_RESTART_MS * 2 ** (seat.deaths - 1));
      logger.error({ code: "INTERNAL", worker: seat.index, exitCode, restartInMs }, "a worker ended, the others go on; it is replaced");
      await sleep(restartInMs);
      if (this.#stopping) return;
      seat.bornMs = seat.heardMs = performance.now();
      seat.worker = this.#spawn(seat.index);
    }
  }

  async #replaceHanging(): Promise<void> {
    await this.refresh();
    for (const { index, worker, heardMs } of this.#seats) {
      if (this.#stopping || performance.now() - heardMs < HANGS_AFTER_MS) continue;
      this.#options.logger.error({ code: "INTERNAL", worker: index }, "a worker does not answer any more and is killed");
      worker.kill();
    }
  }

  /** Undefined when it does not answer. */
  async #ask(seat: Seat, name: string): Promise<unknown> {
    try {
      const answer = await seat.worker.link.ask(name, undefined, ASK_LIMIT_MS);
      seat.heardMs = performance.now();
      return answer;
    } catch {
      return undefined;
    }
  }
}

async function firstStart(worker: WorkerProcess): Promise<void> {
  const ended = worker.exited.then((code) => {
    throw new FleetError(
      code === 2 ? "CONFIG_INVALID" : "INTERNAL",
      `worker ${worker.seat.index} ended with exit code ${code} at its start`,
    );
  });
  ended.catch(() => {});
  await Promise.race([worker.whenStarted, ended]);
}
