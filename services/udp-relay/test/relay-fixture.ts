import assert from "node:assert/strict";
import type { Socket } from "node:dgram";
import type { TestContext } from "node:test";
import type { RelayConfig, SessionEnd } from "@shadowfleet/relay";
import { createEnvironment, ManualClock } from "@shadowfleet/runtime";
import { createMemoryLogger, type MemoryLogger, RecordingMetrics } from "@shadowfleet/testkit";
import { addressFrom, type Credential, createClientPacketCodec, deriveCredential, findMethod, type OpenedAnswer } from "@shadowfleet/wire";
import { createApp, type UdpRelayApp, type UdpRelayDeps } from "../src/app.ts";
import { bindPeer, until } from "./loopback.ts";

export interface PortSpec {
  /** Default 0: the kernel chooses, which one port of a relay can leave to it. */
  readonly port?: number;
  readonly host?: string;
  readonly method?: string;
  /** Key id to secret. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Base64. */
  readonly identityKey?: string;
}

export interface RelayFixture {
  readonly app: UdpRelayApp;
  readonly clock: ManualClock;
  readonly metrics: RecordingMetrics;
  readonly log: MemoryLogger;
  /** Associations that have ended, in order. */
  readonly ends: readonly SessionEnd[];
  /** The port in force for a port of the configuration. */
  port(number?: number): number;
}

export const PASSWORD = "a password of the tests";

/** A secret the method accepts; different seeds give different ones. */
export function secretFor(method: string, seed = 1): string {
  const found = findMethod(method);
  assert.ok(found, method);
  return found.kind === "aead-2022" ? Buffer.alloc(found.keyLength, seed).toString("base64") : `${PASSWORD} ${seed}`;
}

export function credentialOf(method: string, secret: string): Credential {
  const result = deriveCredential(method, secret);
  assert.ok(result.ok, result.ok ? "" : result.reason);
  return result.credential;
}

/** A configuration that lets clients reach loopback. */
export function relayConfig(ports: readonly PortSpec[], overrides: Partial<RelayConfig> = {}): RelayConfig {
  return {
    ports: ports.map(({ port = 0, host = "127.0.0.1", method = "aes-128-gcm", keys = { alice: secretFor(method) }, identityKey }) => ({
      port,
      host,
      keys: Object.entries(keys).map(([id, secret]) => ({ id, name: id, credential: credentialOf(method, secret) })),
      identityKey: identityKey === undefined ? undefined : Buffer.from(identityKey, "base64"),
    })),
    handshakeTimeoutMs: 60_000,
    dialTimeoutMs: 10_000,
    idleTimeoutMs: 300_000,
    udpIdleTimeoutMs: 300_000,
    maxConnections: 100,
    maxStrangersPerSource: 100,
    maxStrangers: 100,
    keyTrialsPerSource: 1000,
    keyTrials: 20_000,
    maxUdpSessionsPerKey: 100,
    maxUdpSessions: 1000,
    replayFilter: true,
    sharedReplay: { sip004: true, sip004WindowMs: 900_000, whenUnavailable: "accept" },
    limitsWhenUnavailable: "continue",
    allowSegmentedHeader: false,
    allowPrivateTargets: true,
    allowTargets: [],
    denyTargets: [],
    ...overrides,
  };
}

/** A started relay, stopped with the test. Time stands still unless `clock` is advanced. */
export async function startRelay(t: TestContext, config: RelayConfig, deps: Partial<UdpRelayDeps> = {}): Promise<RelayFixture> {
  const clock = new ManualClock();
  const metrics = new RecordingMetrics();
  const log = createMemoryLogger();
  const ends: SessionEnd[] = [];
  const app = createApp(config, { logger: log.logger, metrics, clock, onSessionEnd: (end) => ends.push(end), ...deps });
  await app.start();
  t.after(() => app.drain(0));
  const port = (number = 0): number => {
    const bound = app.boundPort(number);
    assert.ok(bound !== undefined, `port ${number} is not bound`);
    return bound;
  };
  return { app, clock, metrics, log, ends, port };
}

export interface ClientOptions {
  readonly method?: string;
  readonly secret?: string;
  /** The relay's address. Default 127.0.0.1. */
  readonly host?: "127.0.0.1" | "::1";
  readonly port: number;
  readonly clock: ManualClock;
}

/** A Shadowsocks client: one codec, and a socket that can be changed as a roaming client's does. */
export class TestClient {
  readonly answers: OpenedAnswer[] = [];
  /** Datagrams that came back but did not open. */
  refused = 0;
  readonly #options: ClientOptions;
  readonly #codec: ReturnType<typeof createClientPacketCodec>;
  #socket: Socket;

  constructor(options: ClientOptions, socket: Socket) {
    const { method = "aes-128-gcm", secret = secretFor(method), clock } = options;
    this.#options = options;
    this.#codec = createClientPacketCodec(credentialOf(method, secret), createEnvironment(clock));
    this.#socket = socket;
    this.#listen(socket);
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  /** Goes on from another socket, with the same session. */
  moveTo(socket: Socket): void {
    this.#socket = socket;
    this.#listen(socket);
  }

  seal(host: string, port: number, payload: string | Buffer): Buffer {
    const target = addressFrom(host, port);
    assert.ok(target, host);
    return this.#codec.seal(target, Buffer.from(payload));
  }

  send(host: string, port: number, payload: string | Buffer): void {
    this.sendRaw(this.seal(host, port, payload));
  }

  sendRaw(datagram: Buffer): void {
    this.#socket.send(datagram, this.#options.port, this.#options.host ?? "127.0.0.1");
  }

  /** Sends and waits for the next answer. */
  async ask(host: string, port: number, payload: string | Buffer): Promise<OpenedAnswer> {
    const before = this.answers.length;
    this.send(host, port, payload);
    return await this.answer(before);
  }

  /** The answer of that index, waiting for it. */
  async answer(index: number): Promise<OpenedAnswer> {
    await until(() => this.answers.length > index);
    const answer = this.answers[index];
    assert.ok(answer);
    return answer;
  }

  #listen(socket: Socket): void {
    socket.on("message", (datagram) => {
      const opened = this.#codec.open(datagram);
      if (opened.ok) this.answers.push(opened);
      else this.refused += 1;
    });
  }
}

export async function openClient(t: TestContext, options: ClientOptions): Promise<TestClient> {
  return new TestClient(options, await bindPeer(t, options.host));
}
