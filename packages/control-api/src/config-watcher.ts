import { setTimeout as wait } from "node:timers/promises";
import type { Clock, ErrorCode, Logger, Metrics } from "@shadowfleet/runtime";
import { type ApplyConfiguration, ConfigInbox } from "./config-inbox.ts";
import { ConfigStream, type StreamEnd } from "./config-stream.ts";
import type { FleetChannel } from "./fleet-channel.ts";
import { FullJitter } from "./full-jitter.ts";
import type { ReportStatusRequest, WatchConfigResponse } from "./gen/shadowfleet/v1/config.ts";
import type { Member } from "./gen/shadowfleet/v1/fleet.ts";
import type { MemberIdentity, MemberOrder, MemberState } from "./member.ts";
import type { MemberConfiguration } from "./member-configuration.ts";
import { StatusReporter } from "./status-reporter.ts";

export interface WatchTiming {
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Heartbeats come every 5 s: a stream silent for so long is dead, whatever TCP thinks of it. */
  readonly silenceMs: number;
  readonly reportIntervalMs: number;
}

export interface ConfigWatcherOptions {
  /** The watcher's own from now on: it is closed with it. */
  readonly channel: FleetChannel;
  readonly identity: MemberIdentity;
  /** Asked for every report. */
  readonly state: () => MemberState;
  readonly apply: ApplyConfiguration;
  /** In order with the configuration. */
  readonly command: (order: MemberOrder) => void;
  /** Management has received this report. */
  readonly onReported?: (report: ReportStatusRequest) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Shorter in tests. */
  readonly timing?: Partial<WatchTiming>;
  /** For the jitter. Default `Math.random`. */
  readonly random?: () => number;
}

const TIMING: WatchTiming = { backoffMinMs: 200, backoffMaxMs: 10_000, silenceMs: 15_000, reportIntervalMs: 2000 };
/** A stream that lived for so long was a success: the next failure is the first. */
const STABLE_MS = 5000;

/**
 * A member's side of ConfigService: keeps the configuration as management has it, for as long as it runs, whatever management does. While no
 * replica answers, the last configuration stays in force. Nothing here throws into the process.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  readonly #timing: WatchTiming;
  readonly #backoff: FullJitter;
  readonly #inbox: ConfigInbox;
  readonly #reporter: StatusReporter;
  readonly #stopping = new AbortController();
  #stream: ConfigStream | undefined;
  #connected = false;
  /** On the monotonic clock: when management last said something, at first when watching began. */
  #heardMs = 0;
  #awayReason: string | undefined;
  #outageTold = false;
  #running: Promise<void> = Promise.resolve();
  #unobserve: () => void = () => {};

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    const { backoffMinMs, backoffMaxMs, reportIntervalMs } = this.#timing;
    this.#backoff = new FullJitter({ minMs: backoffMinMs, maxMs: backoffMaxMs, ...(options.random ? { random: options.random } : {}) });
    this.#inbox = new ConfigInbox({
      apply: options.apply,
      command: options.command,
      onApplied: () => this.#applied(),
      onFailed: (code) => this.#failed(code),
      logger: options.logger,
    });
    this.#reporter = new StatusReporter({
      client: () => (this.#connected ? options.channel.clients.config : undefined),
      compose: () => this.#composeReport(),
      onReceived: (report) => options.onReported?.(report),
      onUnheard: () => this.#stream?.end({ code: "UNHEARD", message: "status reports are not received" }),
      intervalMs: reportIntervalMs,
      logger: options.logger,
    });
  }

  /** What is in force; undefined until the first configuration was applied. */
  get configuration(): MemberConfiguration | undefined {
    return this.#inbox.configuration;
  }

  /** A stream is open and has said something. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Why the last try to reach management ended; undefined while connected, and before the first try has ended. */
  get awayReason(): string | undefined {
    return this.#awayReason;
  }

  /** Begins to watch and to report. */
  start(): void {
    const { metrics, clock } = this.#options;
    this.#heardMs = clock.monotonic();
    const removers = [
      metrics.observe("fleet.management.connected", () => [{ value: this.#connected ? 1 : 0 }]),
      metrics.observe("fleet.config.age.seconds", () => [{ value: (clock.monotonic() - this.#heardMs) / 1000 }]),
      metrics.observe("fleet.config.revision", () => [{ value: Number(this.configuration?.revision ?? 0) }]),
    ];
    this.#unobserve = () => {
      for (const remove of removers) remove();
    };
    this.#reporter.start();
    this.#running = this.#run();
  }

  /** Ends stream and reports and closes the channel. What is being applied is waited for. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stream?.end({ code: "CLOSED", message: "this process is stopping" });
    await this.#running;
    await this.#reporter.stop();
    this.#connected = false;
    this.#options.channel.close();
    this.#unobserve();
  }

  /** Tells management how the member is now, rather than with the next interval. */
  report(): void {
    this.#reporter.report();
  }

  async #run(): Promise<void> {
    const { channel, clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const startedMs = clock.monotonic();
      const end = await this.#watch().catch((error: unknown) => this.#bug(error));
      if (signal.aborted) return;
      this.#leave(end);
      if (clock.monotonic() - startedMs >= STABLE_MS) this.#backoff.reset();
      channel.advance();
      await wait(this.#backoff.next(), undefined, { signal }).catch(() => undefined);
    }
  }

  async #watch(): Promise<StreamEnd> {
    const { revision, generation } = this.#inbox.known;
    this.#inbox.open();
    const stream = new ConfigStream({
      open: (request) => this.#options.channel.clients.config.watchConfig(request),
      request: { member: this.#member(), knownRevision: revision, knownGeneration: generation },
      silenceMs: this.#timing.silenceMs,
      onMessage: (message) => this.#receive(message),
    });
    this.#stream = stream;
    const end = await stream.ended;
    // Before the next stream is asked to go on from what is in force.
    await this.#inbox.close();
    return end;
  }

  #bug(error: unknown): StreamEnd {
    this.#options.logger.error({ code: "INTERNAL", err: error }, "watching the configuration failed");
    return { code: "INTERNAL", message: "a bug, please report it" };
  }

  #receive(message: WatchConfigResponse): void {
    this.#heardMs = this.#options.clock.monotonic();
    if (!this.#connected) this.#arrive();
    this.#inbox.receive(message);
  }

  #arrive(): void {
    const { logger, channel } = this.#options;
    this.#connected = true;
    this.#awayReason = undefined;
    this.#outageTold = false;
    logger.info({ address: channel.address }, "management connected");
    this.report();
  }

  #leave({ code, message }: StreamEnd): void {
    const { logger, channel, metrics } = this.#options;
    if (this.#connected) metrics.add("fleet.management.disconnects", 1);
    this.#connected = false;
    this.#awayReason = `${channel.address}: ${message}`;
    // Once an outage: the tries in between are only of interest to whoever looks for them.
    const level = this.#outageTold ? "debug" : "warn";
    this.#outageTold = true;
    const going = this.configuration ? "going on with the configuration at hand" : "there is no configuration yet";
    logger[level]({ address: channel.address, status: code }, `management away, ${going}: ${message}`);
  }

  #applied(): void {
    this.#options.metrics.add("fleet.config.reloads", 1, { outcome: "OK" });
    this.report();
  }

  #failed(code: ErrorCode): void {
    this.#options.metrics.add("fleet.config.reloads", 1, { outcome: code });
    this.#stream?.end({ code, message: "asking for the whole configuration anew" });
  }

  #member(): Member {
    const { identity, clock, state } = this.#options;
    const { startedAtMs, ...who } = identity;
    const { ready, draining, sessionCount } = state();
    return {
      ...who,
      startTime: new Date(startedAtMs),
      reportTime: new Date(clock.now()),
      appliedRevision: this.configuration?.revision ?? 0n,
      ready,
      draining,
      sessionCount,
    };
  }

  #composeReport(): ReportStatusRequest {
    const { ports, oldSecretUses } = this.#options.state();
    return { member: this.#member(), ports, oldSecretUses };
  }
}
