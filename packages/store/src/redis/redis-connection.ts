import { setTimeout as sleep } from "node:timers/promises";
import { FleetError, type Logger, type Metrics } from "@shadowfleet/runtime";
import { Cluster } from "ioredis";
import { retryDelayMs } from "../retry-delay.ts";
import { createRedisClient, type RedisClient } from "./redis-client.ts";
import { type RedisOperation, RedisOperations } from "./redis-operations.ts";
import type { RedisSettings } from "./redis-settings.ts";
import type { ScriptName } from "./scripts.ts";

/** How long a call may take in all, waiting for the connection included. */
export const CALL_DEADLINE_MS = 1_000;
/** Asks an idle connection so often: a server that hangs, or is a master no more, is noticed before somebody needs it. */
const HEARTBEAT_MS = 2_000;
/** Between two attempts of one call. */
const PAUSE_MS = 50;
/** Answers of a server that has not carried the command out. */
const REFUSED = /^(?:CLUSTERDOWN|LOADING|MASTERDOWN|MOVED|READONLY|TRYAGAIN)\b/;

export interface CallOptions {
  /** For everything, waiting included. Default 1 s. */
  readonly deadlineMs?: number;
  /** The call must not be carried out twice: it fails when its connection does. Others are tried again until the deadline. */
  readonly once?: boolean;
  /** The call waits for something to happen, so that how long it takes says nothing. */
  readonly waits?: boolean;
}

export type ScriptArgument = string | number | readonly (string | number)[];

export interface RedisConnectionOptions {
  readonly settings: RedisSettings;
  readonly logger: Logger | undefined;
  readonly metrics?: Metrics | undefined;
  /** For blocking reads, which are silent for so long in good health. A connection without them is dropped when a call came to its deadline. */
  readonly blockedMs?: number;
}

/**
 * One connection to Redis that is always wanted. Calls get an answer or a FleetError STORE_UNAVAILABLE by their deadline; while the
 * connection has been away longer than that, they fail at once.
 */
export class RedisConnection {
  readonly #client: RedisClient;
  readonly #logger: Logger | undefined;
  readonly #operations: RedisOperations;
  readonly #waiting = new Set<() => void>();
  #downSinceMs: number | undefined = performance.now();
  /** An outage is told once, with its first reason. */
  #isOutageTold = false;
  #lastError = "not connected yet";
  #restarts = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  readonly #heartbeat: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor({ settings, logger, metrics, blockedMs }: RedisConnectionOptions) {
    this.#logger = logger;
    this.#operations = new RedisOperations({ settings, metrics });
    this.#client = createRedisClient(settings, (blockedMs ?? 0) + CALL_DEADLINE_MS);
    this.#heartbeat = blockedMs === undefined ? setInterval(() => this.#ping(), HEARTBEAT_MS) : undefined;
    this.#client.on("ready", () => this.#onReady());
    for (const event of ["close", "reconnecting", "end"]) this.#client.on(event, () => this.#onDown());
    this.#client.on("end", () => this.#restartLater());
    this.#client.on("error", (error: Error) => this.#noteError(error));
    this.#client.on("node error", (error: Error) => this.#noteError(error));
  }

  /** Runs commands as soon as there is a connection. */
  run<T>(operation: RedisOperation, work: (client: RedisClient) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const run = () => this.#runInTime(work, options);
    return options.waits ? run() : this.#operations.measure(operation, run);
  }

  /** Runs one of our scripts, again if its connection breaks. All keys must be of one slot. */
  script(name: ScriptName, keys: readonly string[], ...args: readonly ScriptArgument[]): Promise<unknown> {
    return this.run(name, (client) => callScript(client, name, keys, args));
  }

  /** Runs a script that must not be carried out twice. */
  scriptOnce(name: ScriptName, keys: readonly string[], ...args: readonly ScriptArgument[]): Promise<unknown> {
    return this.run(name, (client) => callScript(client, name, keys, args), { once: true });
  }

  /** Gives the connection up, for it is not to be trusted, and makes a new one. */
  drop(): void {
    // In any other state ioredis is connecting already, and would take it as the end.
    if (!this.#isClosed && this.#client.status === "ready") this.#client.disconnect(true);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#restartTimer);
    clearInterval(this.#heartbeat);
    this.#client.disconnect();
    for (const wake of this.#waiting) wake();
  }

  async #runInTime<T>(work: (client: RedisClient) => Promise<T>, { deadlineMs = CALL_DEADLINE_MS, once = false }: CallOptions): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort();
      reject(new Error(this.#client.status === "ready" ? `no answer within ${deadlineMs} ms` : this.#lastError));
    }, deadlineMs);
    try {
      return await Promise.race([this.#runUntilAnswered(work, once, deadline.signal), late]);
    } catch (error) {
      if (error instanceof FleetError) throw error;
      throw unavailable((error as Error).message);
    } finally {
      clearTimeout(timer);
    }
  }

  async #runUntilAnswered<T>(work: (client: RedisClient) => Promise<T>, once: boolean, deadline: AbortSignal): Promise<T> {
    for (;;) {
      if (this.#client.status !== "ready") await this.#ready(deadline);
      if (this.#isClosed) throw new FleetError("STORE_UNAVAILABLE", "the store is closed");
      if (deadline.aborted) throw unavailable("too late");
      try {
        return await work(this.#client);
      } catch (error) {
        const { name, message } = error as Error;
        const isHarmless = REFUSED.test(message) || (!once && name !== "ReplyError");
        if (!isHarmless) throw error;
      }
      await sleep(PAUSE_MS);
    }
  }

  #ready(deadline: AbortSignal): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const isLongDown = this.#downSinceMs !== undefined && performance.now() - this.#downSinceMs > CALL_DEADLINE_MS;
    if (isLongDown) throw unavailable(this.#lastError);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    deadline.addEventListener("abort", () => this.#waiting.delete(resolve), { once: true });
    return promise;
  }

  #onReady(): void {
    if (this.#downSinceMs !== undefined)
      this.#logger?.info({ downMs: Math.round(performance.now() - this.#downSinceMs) }, "Redis is connected");
    this.#downSinceMs = undefined;
    this.#isOutageTold = false;
    this.#restarts = 0;
    this.#lastError = "the connection was closed";
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #onDown(): void {
    if (this.#downSinceMs !== undefined || this.#isClosed) return;
    this.#downSinceMs = performance.now();
    this.#tellOutage();
  }

  #tellOutage(): void {
    if (this.#isOutageTold || this.#isClosed) return;
    this.#isOutageTold = true;
    this.#logger?.warn({ code: "STORE_UNAVAILABLE", reason: this.#lastError }, "Redis is away");
  }

  #noteError(error: Error): void {
    this.#lastError = error.message === "" ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message;
    // At the start there is no connection whose end would be told.
    if (this.#downSinceMs !== undefined) this.#tellOutage();
  }

  /** Only asks: a connection that does not answer is dropped by its time limit for silence. */
  #ping(): void {
    const nodes = this.#client instanceof Cluster ? this.#client.nodes() : [this.#client];
    for (const node of nodes) if (node.status === "ready") node.ping().catch(() => {});
  }

  /** ioredis ends for good when no sentinel answers or a connection is closed at a bad moment; for us that is one more outage. */
  #restartLater(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#restartTimer);
    this.#restartTimer = setTimeout(
      () => {
        this.#client.connect().catch((error: Error) => this.#noteError(error));
      },
      retryDelayMs(++this.#restarts),
    );
  }
}

/** Without a cause: ioredis puts the command's arguments there, and they may hold secrets. */
function unavailable(reason: string): FleetError {
  return new FleetError("STORE_UNAVAILABLE", `Redis does not answer: ${reason}`);
}

/** ioredis sends EVALSHA, and EVAL where the server does not know the script yet. */
function callScript(client: RedisClient, name: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
  const scripts = client as unknown as Readonly<Record<ScriptName, (...args: unknown[]) => Promise<unknown>>>;
  return scripts[name](keys.length, ...keys, ...args);
}
