import { codeOf, type Logger, type Readiness } from "@shadowfleet/runtime";
import type { PortConfig } from "./relay-config.ts";

/** A running listener, as the supervisor sees it. */
export interface OpenPort {
  /** Stops accepting and frees the port; live sessions go on. */
  close(): Promise<void>;
}

export interface PortSupervisorOptions {
  /** Binds one port and starts to serve it; rejects when it cannot (BIND_FAILED). Keys are looked up per connection or packet, not here. */
  readonly open: (port: PortConfig) => Promise<OpenPort>;
  readonly logger: Logger;
  /** Pause before the first retry of a port that failed; doubled each time up to `retryMaxMs`. Default 1 s and 30 s. */
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
  /** A port was bound, failed for the first time or was closed. */
  readonly onChange?: () => void;
}

/** A wanted port as it is now. */
export interface PortBinding {
  readonly port: number;
  readonly bound: boolean;
  /** Why not; empty when bound. */
  readonly error: string;
}

interface PortState {
  readonly config: PortConfig;
  listener: OpenPort | undefined;
  failures: number;
  error: string;
  retry: NodeJS.Timeout | undefined;
}

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;

/**
 * Keeps the listeners that run equal to the ports that are wanted. A port that cannot be bound is logged, kept as failed and tried again; it
 * never ends the process and never delays another port. Ports are known by their number in the configuration.
 */
export class PortSupervisor {
  readonly #options: PortSupervisorOptions;
  readonly #ports = new Map<number, PortState>();
  /** Changes run one after the other: two reloads in a row, or a retry during a reload, never open a port twice. */
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: PortSupervisorOptions) {
    this.#options = options;
  }

  get bound(): number {
    return this.#count((state) => state.listener !== undefined);
  }

  get failed(): number {
    return this.#count((state) => state.failures > 0);
  }

  /** Every wanted port whose fate is known: one that is just being bound is not in it. */
  bindings(): PortBinding[] {
    const known = [...this.#ports.values()].filter(({ listener, failures }) => listener !== undefined || failures > 0);
    return known.map(({ config, listener, error }) => ({ port: config.port, bound: listener !== undefined, error }));
  }

  /** Opens what is new, closes what is gone, reopens what has another host, and leaves the rest alone. Never rejects. */
  apply(ports: readonly PortConfig[]): Promise<void> {
    return this.#serially(async () => {
      if (this.#closed) return;
      const wanted = new Map(ports.map((port) => [port.port, port]));
      const leaving = [...this.#ports.values()].filter((state) => wanted.get(state.config.port)?.host !== state.config.host);
      await Promise.all(leaving.map((state) => this.#remove(state)));
      const arriving = [...wanted.values()].filter((port) => !this.#ports.has(port.port));
      await Promise.all(arriving.map((port) => this.#add(port)));
    });
  }

  /** Closes every listener for good. Never rejects. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#serially(async () => {
      await Promise.all([...this.#ports.values()].map((state) => this.#remove(state)));
    });
  }

  /** Ready while at least one port serves: one busy port must not take the others out of a load balancer. */
  readiness(): Readiness {
    const failed = [...this.#ports.values()].filter((state) => state.failures > 0).map((state) => state.config.port);
    const details: Record<string, string> = { ports: `${this.bound} of ${this.#ports.size} bound` };
    if (failed.length > 0) details.failed = failed.join(", ");
    return { ready: this.bound > 0, details };
  }

  #count(matches: (state: PortState) => boolean): number {
    let count = 0;
    for (const state of this.#ports.values()) if (matches(state)) count++;
    return count;
  }

  #serially(change: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(change).catch((error: unknown) => {
      this.#options.logger.error({ code: "INTERNAL", err: error }, "changing ports failed");
    });
    return this.#tail;
  }

  async #add(config: PortConfig): Promise<void> {
    const state: PortState = { config, listener: undefined, failures: 0, error: "", retry: undefined };
    this.#ports.set(config.port, state);
    await this.#open(state);
  }

  async #remove(state: PortState): Promise<void> {
    clearTimeout(state.retry);
    this.#ports.delete(state.config.port);
    if (!state.listener) return;
    try {
      await state.listener.close();
      this.#options.logger.info({ port: state.config.port }, "port closed");
      this.#options.onChange?.();
    } catch (error) {
      this.#options.logger.error({ code: codeOf(error), port: state.config.port, err: error }, "closing a port failed");
    }
  }

  async #open(state: PortState): Promise<void> {
    const { host, port } = state.config;
    try {
      state.listener = await this.#options.open(state.config);
      state.failures = 0;
      state.error = "";
      this.#options.logger.info({ host, port }, "port open");
      this.#options.onChange?.();
    } catch (error) {
      state.failures++;
      state.error = (error as Error).message;
      if (state.failures === 1) this.#options.onChange?.();
      this.#retryLater(state, error);
    }
  }

  #retryLater(state: PortState, error: unknown): void {
    const { host, port } = state.config;
    const { logger, retryMinMs = RETRY_MIN_MS, retryMaxMs = RETRY_MAX_MS } = this.#options;
    const retryInMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(state.failures - 1, 30));
    const level = state.failures === 1 ? "error" : "debug";
    logger[level]({ code: codeOf(error), host, port, err: error, retryInMs }, "port could not be opened");
    state.retry = setTimeout(() => {
      void this.#serially(async () => {
        if (this.#ports.get(port) === state && !this.#closed) await this.#open(state);
      });
    }, retryInMs);
    state.retry.unref();
  }
}
