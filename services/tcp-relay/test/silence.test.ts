import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemEnvironment } from "@shadowfleet/runtime";
import { PseudoRandom, probe, startEchoTarget } from "@shadowfleet/testkit";
import { type RelayFixture, startSingle } from "./relay-fixture.ts";
import { ShadowClient, sealedRequest } from "./shadow-client.ts";

const DEADLINE_MS = 1500;
/** The coarse timer's part of the deadline, and a busy machine's. */
const LATE_MS = 1500;
const timeouts = { handshake: `${DEADLINE_MS}ms` };
const psk = Buffer.alloc(16, 3).toString("base64");
const secrets: Readonly<Record<string, string>> = { "chacha20-ietf-poly1305": "pw", "2022-blake3-aes-128-gcm": psk };

const nowhere = { host: "127.0.0.1", port: 9 };

type Relay = RelayFixture & { readonly port: number };

/** Sends a probe and insists that nothing can be learnt from it. */
async function assertSilent(relay: Relay, pieces: readonly Buffer[], what: string): Promise<void> {
  const result = await probe({ host: "127.0.0.1", port: relay.port, pieces, pieceGapMs: 5, deadlineMs: DEADLINE_MS + 5000 });
  assert.equal(result.received.length, 0, `${what}: a byte was answered`);
  assert.equal(result.close, "fin", `${what}: closed by ${result.close}`);
  const late = result.closedAfterMs - DEADLINE_MS;
  assert.ok(late > -50 && late < LATE_MS, `${what}: closed after ${result.closedAfterMs} ms`);
}

async function assertServes(relay: Relay, method: string): Promise<void> {
  await using target = await startEchoTarget();
  using client = await ShadowClient.open({ port: relay.port, method, secret: secrets[method]!, target, payload: Buffer.from("alive") });
  assert.equal((await client.receive(5)).toString(), "alive");
}

describe("probes are read, never answered, and closed at the one deadline", () => {
  for (const method of Object.keys(secrets)) {
    test(`${method}: random bytes of every length from 0 to 299, in one piece and in several`, { timeout: 30_000 }, async () => {
      await using relay = await startSingle(method, secrets[method]!, { timeouts, allowSegmentedHeader: true });
      const random = new PseudoRandom(method.length);
      const probes = Array.from({ length: 300 }, (_, length) => {
        const bytes = random.bytes(length);
        const cut = random.below(length + 1);
        const pieces = length % 2 === 0 ? [bytes] : [bytes.subarray(0, cut), bytes.subarray(cut)];
        return assertSilent(
          relay,
          pieces.filter((piece) => piece.length > 0),
          `${length} bytes`,
        );
      });
      await Promise.all(probes);
      await relay.quiet();
      assert.equal(relay.metrics.total("shadowsocks.handshake.failures"), 300);
      assert.equal(relay.metrics.total("shadowsocks.connections"), 300);
      assert.equal(relay.metrics.observed("shadowsocks.replay.filter.entries"), 0, "nothing unauthenticated is remembered");
      assert.ok(
        relay.log.lines.every(({ level, msg }) => level === "debug" || !msg?.includes("ended")),
        "strangers cannot fill the log",
      );
      await assertServes(relay, method);
    });

    test(`${method}: a valid request cut short, with any bit flipped, or replayed`, { timeout: 30_000 }, async () => {
      await using relay = await startSingle(method, secrets[method]!, { timeouts });
      const request = () => sealedRequest({ method, secret: secrets[method]!, target: nowhere, payload: Buffer.from("hello") });
      const random = new PseudoRandom(1);
      const checks: Promise<void>[] = [];
      for (let n = 0; n < 60; n++) {
        const cut = request();
        const length = 1 + random.below(cut.length - 1);
        checks.push(assertSilent(relay, [cut.subarray(0, length)], `cut to ${length}`));
        const flipped = request();
        const at = random.below(flipped.length);
        flipped[at]! ^= 1 << random.below(8);
        checks.push(assertSilent(relay, [flipped], `bit flipped in byte ${at}`));
      }
      await using echo = await startEchoTarget();
      using client = await ShadowClient.open({
        port: relay.port,
        method,
        secret: secrets[method]!,
        target: echo,
        payload: Buffer.from("once"),
      });
      await client.receive(4);
      checks.push(
        assertSilent(relay, [client.request], "replay"),
        assertSilent(relay, [client.request, Buffer.alloc(1000)], "replay and more"),
      );
      await Promise.all(checks);
      assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "REPLAYED" }), 2);
      assert.equal(echo.accepted, 1);
      await assertServes(relay, method);
    });
  }

  test("a peer that closes is let go at once, whatever it sent before", async () => {
    const method = "chacha20-ietf-poly1305";
    await using relay = await startSingle(method, "pw", { timeouts });
    for (const length of [0, 1, 49, 50, 51, 300]) {
      const result = await probe({
        host: "127.0.0.1",
        port: relay.port,
        pieces: [Buffer.alloc(length, 7)].filter((piece) => piece.length > 0),
        fin: true,
        deadlineMs: 1000,
      });
      assert.deepEqual([result.received.length, result.close], [0, "fin"], `${length} bytes`);
      assert.ok(result.closedAfterMs < 500, `${length} bytes: ${result.closedAfterMs} ms`);
    }
    assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "CLOSED_IN_HANDSHAKE" }), 3);
    assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "AUTH_FAILED" }), 3);
  });

  test("a megabyte of garbage is swallowed without being kept", async () => {
    const method = "2022-blake3-aes-128-gcm";
    await using relay = await startSingle(method, psk, { timeouts });
    const before = process.memoryUsage().arrayBuffers;
    const flood = Array.from({ length: 20 }, () => assertSilent(relay, [Buffer.alloc(1_000_000, 9)], "flood"));
    await Promise.all(flood);
    assert.ok(process.memoryUsage().arrayBuffers - before < 40_000_000, "what is discarded does not pile up");
    await assertServes(relay, method);
  });

  test("clock skew and unknown identities are silent, too", async () => {
    const method = "2022-blake3-aes-128-gcm";
    await using relay = await startSingle(method, psk, { timeouts });
    const late = { ...systemEnvironment, unixSeconds: () => systemEnvironment.unixSeconds() - 31 };
    const request = { method, target: nowhere, payload: Buffer.from("x") };
    const unknown = `${psk}:${Buffer.alloc(16, 4).toString("base64")}`;
    await Promise.all([
      assertSilent(relay, [sealedRequest({ ...request, secret: psk }, late)], "31 s late"),
      assertSilent(relay, [sealedRequest({ ...request, secret: unknown })], "an identity nobody has"),
    ]);
    assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "BAD_TIMESTAMP" }), 1);
  });

  test("a stream cipher's port: random bytes whose address is not one", { timeout: 30_000 }, async () => {
    await using relay = await startSingle("aes-256-cfb", "pw", { timeouts });
    const isSilent = (bytes: Buffer) =>
      assertSilent(relay, [bytes], `${bytes.length} bytes`).then(
        () => true,
        () => false,
      );
    const results = await Promise.all(Array.from({ length: 100 }, (_, length) => isSilent(new PseudoRandom(length + 1).bytes(length))));
    // Without authentication random bytes are a valid header now and then: three of sixteen first bytes begin one.
    assert.ok(results.filter((silent) => silent).length > 60, results.join());
    assert.ok(
      results.slice(0, 17).every((silent) => silent),
      "not even the IV is complete",
    );
  });
});
