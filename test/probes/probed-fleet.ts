import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createEnvironment, systemClock } from "@shadowfleet/runtime";
import {
  eventually,
  freePort,
  type ProbeOptions,
  type ProbeResult,
  probe,
  type RedisServer,
  startEchoTarget,
  startRedis,
  type TcpTarget,
} from "@shadowfleet/testkit";
import { addressFrom, type Credential, createClientStream, deriveCredential, writeAddress } from "@shadowfleet/wire";
import { Fleet, redisStore } from "../fleet/fleet.ts";

const PAYLOAD_LENGTH = 320;
const SERVED_WITHIN_MS = 20_000;
const ATTEMPTS = 5;

/** One port of both relays, with one key. */
export interface ProbedPort {
  readonly method: string;
  readonly number: number;
  readonly credential: Credential;
}

export interface ProbedFleetOptions {
  /** The handshake deadline, 60 s in real life. */
  readonly handshakeMs: number;
}

/** Two relays that share a store and serve the same two ports, one of SIP004, one of SIP022, each on its own loopback address. */
export class ProbedFleet implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly fleet: Fleet;
  readonly ports: readonly ProbedPort[];
  readonly handshakeMs: number;
  readonly #echo: TcpTarget;

  static async start({ handshakeMs }: ProbedFleetOptions): Promise<ProbedFleet> {
    const ports: ProbedPort[] = [];
    for (const [method, secret] of [
      ["chacha20-ietf-poly1305", "a password"],
      ["2022-blake3-aes-256-gcm", Buffer.alloc(32, 7).toString("base64")],
    ] as const) {
      ports.push({ method, number: await freePort(), credential: credentialOf(method, secret) });
    }
    const declared = {
      ports: ports.map(({ method, number }) => ({ port: number, method })),
      keys: [
        { id: "sip004", port: ports[0]?.number, secret: "a password" },
        { id: "sip022", port: ports[1]?.number, secret: Buffer.alloc(32, 7).toString("base64") },
      ],
    };
    // Every prober of this test has one address.
    const limits = { maxConnections: 20_000, strangers: 20_000, strangersPerSource: 20_000 };
    // A Redis that a busy machine holds up must not let a replay in.
    const sharedReplay = { whenUnavailable: "refuse" };
    const settings = { "tcp-relay": { timeouts: { handshake: `${handshakeMs}ms` }, limits, sharedReplay, log: { level: "warn" } } };
    const redis = await startRedis();
    const echo = await startEchoTarget();
    try {
      const fleet = await Fleet.start({ store: redisStore(redis), tcpRelays: 2, declared: () => declared, settings });
      return new ProbedFleet({ redis, fleet, ports, handshakeMs, echo });
    } catch (error) {
      await echo.close();
      await redis.stop();
      throw error;
    }
  }

  private constructor(parts: {
    readonly redis: RedisServer;
    readonly fleet: Fleet;
    readonly ports: readonly ProbedPort[];
    readonly handshakeMs: number;
    readonly echo: TcpTarget;
  }) {
    this.redis = parts.redis;
    this.fleet = parts.fleet;
    this.ports = parts.ports;
    this.handshakeMs = parts.handshakeMs;
    this.#echo = parts.echo;
  }

  /**
   * The opening of a valid stream to the echo, in one piece. What the echo answers begins with its own address, so that an answer sent back could be taken for
   * a request. `clockAheadSeconds`: how far the client's clock is off.
   */
  request(credential: Credential, clockAheadSeconds = 0): Buffer {
    const target = addressFrom(this.#echo.host, this.#echo.port);
    assert.ok(target);
    const payload = Buffer.alloc(PAYLOAD_LENGTH, 0x61);
    writeAddress(target, payload, 0);
    const clock = { ...systemClock, now: () => Date.now() + clockAheadSeconds * 1000 };
    return Buffer.from(createClientStream(credential, createEnvironment(clock)).sealRequest(target, payload));
  }

  /** Sends bytes to a port of one of the relays, and watches. */
  probe(relay: number, port: ProbedPort, options: Partial<ProbeOptions>): Promise<ProbeResult> {
    const host = this.fleet.tcpRelays[relay]?.host ?? "";
    return probe({ host, port: port.number, deadlineMs: this.handshakeMs + SERVED_WITHIN_MS, ...options });
  }

  /** A request that a relay has served, and the bytes of its answer. */
  async serve(relay: number, port: ProbedPort): Promise<{ readonly request: Buffer; readonly answer: Buffer }> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const request = this.request(port.credential);
      const { received } = await this.probe(relay, port, { pieces: [request], fin: true });
      if (received.length > PAYLOAD_LENGTH) return { request, answer: received };
    }
    return assert.fail(`${port.method}: not one of ${ATTEMPTS} valid requests was served`);
  }

  /** Sum of a relay's counter over the series whose labels contain `labels`. */
  async counted(relay: number, series: string, labels: string): Promise<number> {
    const text = (await this.fleet.tcpRelays[relay]?.process.metrics()) ?? "";
    const lines = text.split("\n").filter((line) => line.startsWith(`${series}{`) && line.includes(labels));
    assert.ok(lines.length > 0, `no series ${series} with ${labels}`);
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /** Changes settings of a relay that runs. */
  async reconfigure(relay: number, settings: object): Promise<void> {
    const { process } = this.fleet.tcpRelays[relay] ?? assert.fail();
    const reloads = () => this.counted(relay, "fleet_config_reloads_total", 'outcome="OK"');
    const before = await reloads();
    writeFileSync(process.configFile, JSON.stringify({ ...JSON.parse(readFileSync(process.configFile, "utf8")), ...settings }));
    process.program.signal("SIGHUP");
    await eventually("the reload", async () => (await reloads()) > before, 20_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
    await this.#echo.close();
    await this.redis.stop();
  }
}

export function credentialOf(method: string, secret: string): Credential {
  const result = deriveCredential(method, secret);
  assert.ok(result.ok);
  return result.credential;
}
