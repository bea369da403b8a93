import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";
import type { HostPort } from "../quantities.ts";
import { redactText } from "../redaction.ts";
import { type PluginEnds, pluginEnvironment } from "./plugin-environment.ts";
import { canConnect, type PluginEnd, RunningPlugin, reasonOf } from "./running-plugin.ts";

/** What one start of a plugin goes by. */
export interface PluginLaunch extends PluginEnds {
  /** Where it accepts once it is ready. */
  readonly accepts: HostPort;
}

export interface PluginProcessOptions {
  /** Absolute path; whoever gives it answers for it: see `pluginProgram`. */
  readonly program: string;
  readonly pluginOptions: string;
  /** Asked before every start, so that each may have another free port. */
  readonly launch: () => Promise<PluginLaunch>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** How long a process may take until it accepts. Default 10 s. */
  readonly readyWithinMs?: number;
  /** Pause after it has ended unasked, doubled each time up to `retryMaxMs`. Default 500 ms and 30 s. */
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
}

const READY_WITHIN_MS = 10_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 30_000;
/** Short, because it comes behind a drain, which may have used up its own time. */
const STOP_GRACE_MS = 800;
/** One that ran so long has worked: its end is the first. */
const STABLE_MS = 60_000;

/** A SIP003 plugin, kept running until it is stopped. */
export class PluginProcess {
  readonly #options: PluginProcessOptions;
  readonly #name: string;
  readonly #stopping = new AbortController();
  #running: RunningPlugin | undefined;
  #supervision: Promise<void> | undefined;
  #launch: PluginLaunch | undefined;
  #ready = false;

  constructor(options: PluginProcessOptions) {
    this.#options = options;
    this.#name = basename(options.program);
  }

  /** Whether it accepts. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Where it accepts, or did before it ended; undefined before the first start. */
  get address(): HostPort | undefined {
    return this.#launch?.accepts;
  }

  /** Starts it, once. True when it accepts; false when its first process has ended or was given up before: it is tried again all the same. */
  start(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#supervision = this.#supervise(resolve);
    return promise;
  }

  /** SIGTERM, SIGKILL 0.8 s later. Resolves when it is gone, for good. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.stop(STOP_GRACE_MS);
    await this.#supervision;
  }

  /** `tell` hears how the first process fared. */
  async #supervise(tell: (ready: boolean) => void): Promise<void> {
    const { logger, metrics, clock, retryMinMs = RETRY_MIN_MS, retryMaxMs = RETRY_MAX_MS } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures++) {
      const startedMs = clock.monotonic();
      const end = await this.#runOnce(tell);
      this.#ready = false;
      if (!signal.aborted) {
        if (clock.monotonic() - startedMs > STABLE_MS) failures = 0;
        const retryInMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(failures, 30));
        metrics.add("fleet.plugin.exits", 1, { plugin: this.#name });
        logger.error({ code: "PLUGIN_FAILED", plugin: this.#name, ...end, retryInMs }, "a plugin has ended, it is started again");
        tell(false);
        await sleep(retryInMs, undefined, { signal }).catch(() => {});
      }
    }
    tell(false);
  }

  async #runOnce(tell: (ready: boolean) => void): Promise<PluginEnd> {
    const { program, pluginOptions, launch, logger, readyWithinMs = READY_WITHIN_MS } = this.#options;
    let next: PluginLaunch;
    try {
      next = await launch();
    } catch (error) {
      return { exitCode: null, signal: null, reason: reasonOf(error) };
    }
    // Somebody else, perhaps a plugin that a killed service has left behind: it would be taken for ours.
    if (await canConnect(next.accepts)) return { exitCode: null, signal: null, reason: "EADDRINUSE" };
    if (this.#stopping.signal.aborted) return { exitCode: null, signal: null };
    this.#launch = next;
    const running = new RunningPlugin(program, pluginEnvironment(next, pluginOptions), (line) =>
      logger.debug({ plugin: this.#name }, redactText(line)),
    );
    this.#running = running;
    const { pid } = running;
    if (await running.accepts(next.accepts, readyWithinMs)) {
      this.#ready = true;
      logger.info({ plugin: this.#name, pid }, "plugin ready");
      tell(true);
    } else if (running.pid !== undefined && !this.#stopping.signal.aborted) {
      logger.warn({ plugin: this.#name, pid, readyWithinMs }, "plugin does not accept connections, it is ended");
      await running.stop(STOP_GRACE_MS);
    }
    const end = await running.ended;
    this.#running = undefined;
    return end;
  }
}
