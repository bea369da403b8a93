import { setTimeout as sleep } from "node:timers/promises";
import type { App, Readiness } from "./app.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ConfigError } from "./config-error.ts";
import { timeLimit } from "./deadline.ts";
import type { ErrorCode } from "./error-codes.ts";
import { codeOf } from "./fleet-error.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { type ProcessEvent, type ProcessHandle, systemProcess } from "./process-handle.ts";

/** After a drained stop; for a refused configuration; for everything else. */
export const EXIT_DRAINED = 0;
export const EXIT_FAILED = 1;
export const EXIT_BAD_CONFIG = 2;

// A terminal signals its whole process group and a parent may forward the same signal: within this time two are one.
const SAME_SIGNAL_MS = 500;
// Apps close their last sessions at the deadline; one that has not finished this much later never will.
const DRAIN_GRACE_MS = 2_000;
const FLUSH_TIMEOUT_MS = 5_000;
const CRASH_DRAIN_MS = 2_000;

/** An app as the lifecycle drives it; reloading goes through `LifecycleOptions.reload`, which knows the configuration's type. */
export type DrivenApp = Pick<App<never>, "start" | "readiness" | "drain">;

export interface LifecycleOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Asked when a stop begins, so that a reloaded value counts. */
  readonly drainTimeoutMs: () => number;
  /** How long a signalled process goes on accepting, not ready already, before the drain begins. Default 0. */
  readonly drainDelayMs?: () => number;
  /**
   * SIGHUP: reads, validates and only then applies the configuration; throws, having changed nothing, when it is refused. Absent: there is
   * nothing to reload, and SIGHUP stops the process as it does when its terminal closes.
   */
  readonly reload?: () => Promise<void>;
  readonly process?: ProcessHandle;
  readonly clock?: Clock;
}

/**
 * Drives the apps of one process from start to exit. SIGTERM or SIGINT: not ready at once, drain (after the delay, if there is one), flush, exit
 * 0; a second signal exits 1 on the spot. An uncaught error exits 1 after a short drain.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #process: ProcessHandle;
  readonly #clock: Clock;
  readonly #apps = new Map<string, DrivenApp>();
  /** Those whose `start` was called, whether or not it succeeded: what there is to drain. */
  readonly #begun = new Map<string, DrivenApp>();
  readonly #closers: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  readonly #handlers: readonly [ProcessEvent, (detail: unknown) => void][];
  #state: "starting" | "running" | "stopping" = "starting";
  #starting: Promise<unknown> = Promise.resolve();
  #exitCode = EXIT_DRAINED;
  #firstSignalAt: number | undefined;
  #reloading: Promise<void> | undefined;
  #reloadAgain = false;

  constructor(options: LifecycleOptions) {
    this.#options = options;
    this.#process = options.process ?? systemProcess;
    this.#clock = options.clock ?? systemClock;
    options.metrics.observe("fleet.draining", () => [{ value: this.#state === "stopping" ? 1 : 0 }]);
    this.#handlers = [
      ["SIGTERM", () => this.#onStopSignal("SIGTERM")],
      ["SIGINT", () => this.#onStopSignal("SIGINT")],
      ["SIGHUP", () => this.#onHangUp()],
      ["uncaughtException", (error) => this.#onCrash("uncaughtException", error)],
      ["unhandledRejection", (error) => this.#onCrash("unhandledRejection", error)],
    ];
  }

  /** Adds an app, before `start`. All are started in this order and drained at the same time. */
  addApp(name: string, app: DrivenApp): void {
    this.#apps.set(name, app);
  }

  /** Adds something to flush or close after the apps have drained. The last added goes first. */
  onExit(name: string, close: () => Promise<void>): void {
    this.#closers.push({ name, close });
  }

  /** Readiness of every app by name; none is ready before its start returned or once a stop has begun. */
  readiness(): Readonly<Record<string, Readiness>> {
    const state = this.#state;
    const states = [...this.#apps].map(([name, app]) => {
      const { ready, details } = app.readiness();
      return [name, state === "running" ? { ready, details } : { ready: false, details: { ...details, lifecycle: state } }] as const;
    });
    return Object.fromEntries(states);
  }

  /**
   * Listens for signals and starts every app. When one throws, those already started are drained and the process exits: 2 for a refused
   * configuration, else 1.
   */
  async start(): Promise<void> {
    for (const [event, handler] of this.#handlers) this.#process.on(event, handler);
    try {
      for (const [name, app] of this.#apps) {
        if (this.#state === "stopping") return;
        this.#begun.set(name, app);
        const started = app.start();
        this.#starting = started.catch(() => undefined);
        await started;
      }
      if (this.#state === "starting") this.#state = "running";
    } catch (error) {
      const code = codeOf(error);
      const [summary] = (error as Error).message.split("\n");
      this.#options.logger.error({ code, ...detailOf(error) }, `start failed: ${summary}`);
      this.#exitCode = code === "CONFIG_INVALID" ? EXIT_BAD_CONFIG : EXIT_FAILED;
      await this.stop("start failed");
    }
  }

  /** Drains, flushes and exits. Later calls do nothing. */
  async stop(reason: string, drainTimeoutMs = this.#options.drainTimeoutMs(), drainDelayMs = 0): Promise<void> {
    if (this.#state === "stopping") return;
    const wasRunning = this.#state === "running";
    this.#state = "stopping";
    const { logger } = this.#options;
    // Whoever sends clients here (a load balancer, kube-proxy) needs a moment to see that this process is not ready any more; clients that
    // come meanwhile would be refused.
    if (drainDelayMs > 0 && wasRunning) {
      logger.info({ reason, drainDelayMs, drainTimeoutMs }, "stopping: not ready, still accepting");
      await sleep(drainDelayMs);
    }
    logger.info({ reason, drainTimeoutMs }, "stopping: not ready, accepting nothing new");
    // Whatever is binding ports right now finishes first, or the drain would miss them.
    await timeLimit(Promise.all([this.#starting, this.#reloading]), drainTimeoutMs);
    await this.#drain(drainTimeoutMs);
    await this.#flush();
    logger.info({ exitCode: this.#exitCode }, "stopped");
    for (const [event, handler] of this.#handlers) this.#process.off(event, handler);
    this.#process.exit(this.#exitCode);
  }

  /** Reloads as SIGHUP does. One at a time; what is asked for meanwhile is done once more afterwards. Never rejects. */
  reload(): Promise<void> {
    if (!this.#options.reload) return Promise.resolve();
    if (this.#reloading !== undefined) this.#reloadAgain = true;
    this.#reloading ??= this.#reloadUntilQuiet().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #reloadUntilQuiet(): Promise<void> {
    do {
      this.#reloadAgain = false;
      if (this.#state !== "running") {
        this.#options.logger.warn({ state: this.#state }, "not reloading now");
        return;
      }
      await this.#reloadOnce();
    } while (this.#reloadAgain);
  }

  async #reloadOnce(): Promise<void> {
    const { logger, metrics, reload } = this.#options;
    let outcome: ErrorCode | "OK" = "OK";
    try {
      await reload?.();
      logger.info("configuration reloaded");
    } catch (error) {
      outcome = codeOf(error);
      logger.error({ code: outcome, ...detailOf(error) }, "configuration refused, the running one stays in force");
    }
    metrics.add("fleet.config.reloads", 1, { outcome });
  }

  #onStopSignal(signal: string): void {
    const now = this.#clock.monotonic();
    if (this.#firstSignalAt === undefined) {
      this.#firstSignalAt = now;
      const { drainTimeoutMs, drainDelayMs } = this.#options;
      void this.stop(signal, drainTimeoutMs(), drainDelayMs?.());
    } else if (now - this.#firstSignalAt > SAME_SIGNAL_MS) {
      this.#options.logger.warn({ signal }, "second signal, exiting without waiting");
      this.#process.exit(EXIT_FAILED);
    }
  }

  #onHangUp(): void {
    if (this.#options.reload) void this.reload();
    else this.#onStopSignal("SIGHUP");
  }

  // The state behind an uncaught error is unknown, so the process must end. But the error came from one session of many: a short drain lets
  // the others finish and counted traffic be flushed. Short, because what is broken may be what drains.
  #onCrash(event: string, error: unknown): void {
    this.#options.logger.error({ code: "INTERNAL", event, err: error }, "uncaught error: a bug, please report it");
    this.#exitCode = EXIT_FAILED;
    void this.stop(event, Math.min(CRASH_DRAIN_MS, this.#options.drainTimeoutMs()));
  }

  async #drain(drainTimeoutMs: number): Promise<void> {
    const drains = [...this.#begun].map(([name, app]) =>
      this.#attempt(name, "drain", () => app.drain(drainTimeoutMs), drainTimeoutMs + DRAIN_GRACE_MS),
    );
    await Promise.all(drains);
  }

  async #flush(): Promise<void> {
    for (const { name, close } of this.#closers.toReversed()) await this.#attempt(name, "close", close, FLUSH_TIMEOUT_MS);
  }

  /** Whatever goes wrong on the way out is logged and makes the exit code 1, and the rest is still done. */
  async #attempt(name: string, action: string, run: () => Promise<void>, limitMs: number): Promise<void> {
    try {
      if (await timeLimit(run(), limitMs)) return;
      this.#options.logger.error({ code: "INTERNAL", name, limitMs }, `${action} did not end in time`);
    } catch (error) {
      this.#options.logger.error({ code: codeOf(error), name, err: error }, `${action} failed`);
    }
    this.#exitCode ||= EXIT_FAILED;
  }
}

/** As log fields: every problem of a refused configuration, whose stack says nothing; of anything else the error itself. */
function detailOf(error: unknown): Readonly<Record<string, unknown>> {
  return error instanceof ConfigError ? { problems: error.problems } : { err: error };
}
