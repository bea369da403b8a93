import { codeOf, type Logger } from "@shadowfleet/runtime";
import type { GatewayConfig } from "./config.ts";
import type { Listener } from "./listener.ts";

export interface ListeningPortOptions {
  /** Binds and serves; rejects when it cannot. */
  readonly open: (config: GatewayConfig) => Promise<Listener>;
  readonly logger: Logger;
}

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;

/**
 * Keeps the gateway's one port as the configuration wants it. A port that cannot be bound is logged, told by `failed` and tried again; until
 * a new address is bound the old one goes on serving. Changes run one after the other.
 */
export class ListeningPort {
  readonly #options: ListeningPortOptions;
  #wanted: GatewayConfig | undefined;
  #current: { readonly listener: Listener; readonly config: GatewayConfig } | undefined;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: ListeningPortOptions) {
    this.#options = options;
  }

  /** What is bound now. */
  get listener(): Listener | undefined {
    return this.#current?.listener;
  }

  /** The wanted address could not be bound so far. */
  get failed(): boolean {
    return this.#failures > 0;
  }

  /** Resolves when the port is bound or has failed for the first time. Never rejects. */
  apply(config: GatewayConfig): Promise<void> {
    this.#wanted = config;
    return this.#serially(() => this.#change());
  }

  /** Frees the port for good. */
  close(): Promise<void> {
    this.#wanted = undefined;
    return this.#serially(async () => {
      clearTimeout(this.#retry);
      await this.#closeCurrent();
    });
  }

  #serially(change: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(change);
    return this.#tail;
  }

  async #change(): Promise<void> {
    clearTimeout(this.#retry);
    const wanted = this.#wanted;
    if (!wanted || (this.#current && sameListener(this.#current.config, wanted))) return;
    const old = this.#current;
    // The same number on another address may be in the way of itself.
    if (old && old.config.listen.port === wanted.listen.port) await this.#closeCurrent();
    try {
      const listener = await this.#options.open(wanted);
      await this.#closeCurrent();
      this.#current = { listener, config: wanted };
      this.#failures = 0;
    } catch (error) {
      this.#retryLater(wanted, error);
    }
  }

  async #closeCurrent(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.listener.close();
  }

  #retryLater({ listen }: GatewayConfig, error: unknown): void {
    const retryInMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures++);
    const level = this.#failures === 1 ? "error" : "debug";
    this.#options.logger[level]({ code: codeOf(error), ...listen, err: error, retryInMs }, "port could not be opened");
    this.#retry = setTimeout(() => void this.#serially(() => this.#change()), retryInMs).unref();
  }
}

function sameListener(a: GatewayConfig, b: GatewayConfig): boolean {
  return a.listen.host === b.listen.host && a.listen.port === b.listen.port && a.maxConnections === b.maxConnections;
}
