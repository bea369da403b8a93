import { type LoadedRelayConfig, loadRelayConfig } from "@shadowfleet/relay";
import { systemClock } from "@shadowfleet/runtime";
import { createApp as createTcpRelay, type TcpRelayApp } from "@shadowfleet/tcp-relay";
import { createMemoryLogger, freePort, RecordingMetrics } from "@shadowfleet/testkit";
import type { Resolution, Resolver } from "@shadowfleet/transport";
import { createApp as createUdpRelay, type UdpRelayApp } from "@shadowfleet/udp-relay";
import { METHOD } from "./wires.ts";

/** Answers as a test says, each time anew; counts. */
export class ScriptedResolver implements Resolver {
  asked = 0;
  readonly #answers: (name: string, asked: number) => readonly string[];

  constructor(answers: (name: string, asked: number) => readonly string[]) {
    this.#answers = answers;
  }

  peek(host: string): Resolution | undefined {
    return /^[\d.]+$|:/.test(host) ? this.#resolution([host]) : undefined;
  }

  async resolve(host: string): Promise<Resolution> {
    return this.peek(host) ?? this.#resolution(this.#answers(host, ++this.asked));
  }

  #resolution(addresses: readonly string[]): Resolution {
    return { ok: true, addresses: addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })) };
  }
}

/** Both relays on one port with the same rules, as an operator has them. */
export class RelayPair implements AsyncDisposable {
  readonly port: number;
  readonly tcp: TcpRelayApp;
  readonly udp: UdpRelayApp;
  readonly metrics = new RecordingMetrics();
  readonly log = createMemoryLogger();
  /** Codes of TCP sessions that are over, with their keys. */
  readonly ends: (readonly [keyId: string, code: string])[] = [];
  readonly #data: Readonly<Record<string, unknown>>;

  /** `keys`: id (which is the secret too) to its own lists. `settings`: the rest of a relay's file. */
  static async start(
    keys: Readonly<Record<string, object | undefined>>,
    settings: Readonly<Record<string, unknown>> = {},
    resolver?: Resolver,
  ): Promise<RelayPair> {
    const pair = new RelayPair(await freePort(), keys, settings, resolver);
    await pair.tcp.start();
    await pair.udp.start();
    return pair;
  }

  private constructor(
    port: number,
    keys: Readonly<Record<string, object | undefined>>,
    settings: Readonly<Record<string, unknown>>,
    resolver?: Resolver,
  ) {
    this.port = port;
    this.#data = { timeouts: { handshake: "500ms" }, ...settings };
    const deps = { logger: this.log.logger, metrics: this.metrics, clock: systemClock, ...(resolver && { resolver }) };
    const config = this.#config(keys);
    this.tcp = createTcpRelay(config, { ...deps, onSessionEnd: ({ keyId, code }) => void this.ends.push([keyId, code]) });
    this.udp = createUdpRelay(config, deps);
  }

  /** As an edited file does. */
  async reload(keys: Readonly<Record<string, object | undefined>>, settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.tcp.reload(this.#config(keys, settings));
    await this.udp.reload(this.#config(keys, settings));
  }

  get forbiddenDatagrams(): number {
    return this.udp.counts.count("up", "TARGET_FORBIDDEN");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.tcp.drain(0), this.udp.drain(0)]);
  }

  #config(keys: Readonly<Record<string, object | undefined>>, settings: Readonly<Record<string, unknown>> = {}): LoadedRelayConfig {
    const list = Object.entries(keys).map(([id, targets]) => ({ id, secret: id, ...(targets && { targets }) }));
    const ports = [{ port: this.port, host: "127.0.0.1", method: METHOD, keys: list }];
    return loadRelayConfig({ name: "test", data: { ...this.#data, ...settings, ports } });
  }
}
