import type { Clock } from "./clock.ts";
import type { TraceConnection } from "./connection-span.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import type { WorkerContext } from "./workers/worker-context.ts";

/** What the process gives every service. */
export interface AppDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Told of every proxied connection when it is over. Absent while these are not traced. */
  readonly traceConnection?: TraceConnection;
  /** The group, where the app runs in one of several worker processes that serve the same ports. */
  readonly worker?: WorkerContext;
}

/** Whether a service can take traffic, and why not. Served as `/readyz`. */
export interface Readiness {
  readonly ready: boolean;
  /** One entry a condition: name and what is so ("ports": "2 of 2 bound"). Never a secret. */
  readonly details: Readonly<Record<string, string>>;
}

/** A service: built by `createApp(config, deps)` without I/O, then driven by the lifecycle. */
export interface App<Config> {
  /** Binds ports. A port that fails is logged, counted and shown by `readiness`; it never ends the process. */
  start(): Promise<void>;
  /** Applies a validated configuration at once: unchanged ports, live connections and counters are not touched. */
  reload(config: Config): Promise<void>;
  readiness(): Readiness;
  /** Accepts nothing new, lets live sessions finish until `deadlineMs` from now, then ends them (DRAIN_DEADLINE). Resolves when all is closed. */
  drain(deadlineMs: number): Promise<void>;
}
