import assert from "node:assert/strict";
import { createEnvironment, systemClock } from "@shadowfleet/runtime";
import {
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
    const settings = { "tcp-relay": { timeouts: { handshake: `${handshakeMs}ms` }, limits, log: { level: "warn" } } };
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

  /** A request that the relay serves; the bytes of its answer. */
  async serve(relay: number, port: ProbedPort, request: Buffer): Promise<Buffer> {
    const { received } = await this.probe(relay, port, { pieces: [request], fin: true, deadlineMs: SERVED_WITHIN_MS });
    assert.ok(received.length > PAYLOAD_LENGTH, `${port.method}: a valid request brought ${received.length} bytes`);
    return received;
  }

  /** Sum of a relay's counter over the series whose labels contain `labels`. */
  async counted(relay: number, series: string, labels: string): Promise<number> {
    const text = (await this.fleet.tcpRelays[relay]?.process.metrics()) ?? "";
    const lines = text.split("\n").filter((line) => line.startsWith(`${series}{`) && line.includes(labels));
    assert.ok(lines.length > 0, `no series ${series} with ${labels}`);
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
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
