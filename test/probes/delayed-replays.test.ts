import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadRelayConfig, StoreSalts } from "@shadowfleet/relay";
import { createEnvironment, ManualClock, systemClock } from "@shadowfleet/runtime";
import { SqliteStore } from "@shadowfleet/store";
import { createApp, type TcpRelayApp } from "@shadowfleet/tcp-relay";
import { createMemoryLogger, freePort, probe, RecordingMetrics, startEchoTarget, type TcpTarget } from "@shadowfleet/testkit";
import { addressFrom, createClientStream } from "@shadowfleet/wire";
import { credentialOf } from "./probed-fleet.ts";

const SECONDS = 1000;
const PAYLOAD = Buffer.from("replayed?");

interface Relay {
  readonly port: number;
  readonly app: TcpRelayApp;
  readonly metrics: RecordingMetrics;
}

/** Relays of one port and key that share salts, whose clock and whose store's clock stand until told. */
class ClockedFleet implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly #credential: ReturnType<typeof credentialOf>;
  readonly #method: string;
  readonly #secret: string;
  readonly #store: SqliteStore;
  readonly #echo: TcpTarget;
  readonly #relays: Relay[] = [];

  constructor(method: string, secret: string, echo: TcpTarget) {
    this.#method = method;
    this.#secret = secret;
    this.#credential = credentialOf(method, secret);
    this.#echo = echo;
    this.#store = new SqliteStore({ path: ":memory:", clock: this.clock });
  }

  async startRelay(): Promise<Relay> {
    const port = await freePort();
    const key = { id: "alice", secret: this.#secret };
    const data = { ports: [{ port, host: "127.0.0.1", method: this.#method, keys: [key] }], allowPrivateTargets: true };
    const metrics = new RecordingMetrics();
    const deps = { logger: createMemoryLogger().logger, metrics, clock: systemClock };
    const app = createApp(loadRelayConfig({ name: "test", data }), {
      ...deps,
      environment: createEnvironment(this.clock),
      sharedSalts: new StoreSalts(this.#store),
    });
    await app.start();
    const relay = { port, app, metrics };
    this.#relays.push(relay);
    return relay;
  }

  /** A request whose client's clock is so far ahead of everybody's. */
  request(aheadSeconds: number): Buffer {
    const target = addressFrom(this.#echo.host, this.#echo.port);
    assert.ok(target);
    const environment = createEnvironment(new ManualClock(this.clock.now() + aheadSeconds * SECONDS));
    return Buffer.from(createClientStream(this.#credential, environment).sealRequest(target, PAYLOAD));
  }

  /** "served", or the code under which the relay refused it in silence. */
  async fate({ port, metrics }: Relay, bytes: Buffer): Promise<string> {
    const codes = ["REPLAYED", "BAD_TIMESTAMP", "AUTH_FAILED"] as const;
    const count = () => codes.map((code) => metrics.total("shadowsocks.handshake.failures", { "error.type": code }));
    const before = count();
    const { received, close } = await probe({ host: "127.0.0.1", port, pieces: [bytes], fin: true, deadlineMs: 20_000 });
    assert.equal(close, "fin");
    const refused = codes.filter((_, at) => count()[at]! > before[at]!);
    assert.equal(refused.length, received.length > 0 ? 0 : 1, refused.join());
    return refused[0] ?? "served";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#relays.map(({ app }) => app.drain(0)));
    await this.#store.close();
  }
}

describe("a recorded stream comes again after a while", () => {
  for (const [method, secret, aheadSeconds, fates] of [
    // No clock: the sets remember; at the relay itself by count, in the fleet for 15 minutes.
    ["chacha20-ietf-poly1305", "pw", 0, { 1: "REPLAYED", 59: "REPLAYED", 61: "REPLAYED", 899: "REPLAYED" }],
    // A client of the right time: after 30 s the timestamp is enough.
    [
      "2022-blake3-aes-256-gcm",
      Buffer.alloc(32, 7).toString("base64"),
      0,
      { 1: "REPLAYED", 30: "REPLAYED", 31: "BAD_TIMESTAMP", 61: "BAD_TIMESTAMP" },
    ],
    // A client as far ahead as may be: its streams stay timely for a minute, and the sets have to hold that long.
    [
      "2022-blake3-aes-256-gcm",
      Buffer.alloc(32, 7).toString("base64"),
      30,
      { 1: "REPLAYED", 59: "REPLAYED", 60: "REPLAYED", 61: "BAD_TIMESTAMP" },
    ],
  ] as const) {
    test(`${method}, client's clock ${aheadSeconds} s ahead: at the same relay, at another, at one that was restarted`, async () => {
      await using echo = await startEchoTarget();
      await using fleet = new ClockedFleet(method, secret, echo);
      const [same, other] = [await fleet.startRelay(), await fleet.startRelay()];
      // A filter at a relay learns what it is shown: each delay has a recording of its own, and no relay sees it twice.
      const startedMs = fleet.clock.now();
      const recorded = Object.entries(fates).map(([delay, fate]) => ({
        delayS: Number(delay),
        fate,
        requests: [0, 1, 2].map(() => fleet.request(aheadSeconds)),
      }));
      for (const { requests } of recorded) for (const request of requests) assert.equal(await fleet.fate(same, request), "served");
      for (const { delayS, fate, requests } of recorded) {
        fleet.clock.advance(startedMs + delayS * SECONDS - fleet.clock.now());
        const restarted = await fleet.startRelay();
        for (const [at, relay] of [same, other, restarted].entries()) {
          assert.equal(await fleet.fate(relay, requests[at]!), fate, `after ${delayS} s, ${["same", "other", "restarted"][at]}`);
        }
      }
      assert.equal(await fleet.fate(other, fleet.request(aheadSeconds)), "served");
    });
  }

  test("SIP004 beyond the fleet's window: refused where it was seen, and elsewhere no more", async () => {
    await using echo = await startEchoTarget();
    await using fleet = new ClockedFleet("chacha20-ietf-poly1305", "pw", echo);
    const [same, other] = [await fleet.startRelay(), await fleet.startRelay()];
    const request = fleet.request(0);
    assert.equal(await fleet.fate(same, request), "served");
    fleet.clock.advance(901 * SECONDS);
    assert.equal(await fleet.fate(same, request), "REPLAYED");
    assert.equal(await fleet.fate(other, request), "served");
  });
});
