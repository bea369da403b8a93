import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, probe, startEchoTarget, startHalfCloseTarget, type TcpTarget } from "@shadowfleet/testkit";
import { HeldSalts } from "./held-salts.ts";
import { type RelayFixture, startSingle } from "./relay-fixture.ts";
import { ShadowClient, sealedRequest } from "./shadow-client.ts";

const DEADLINE_MS = 1500;
const timeouts = { handshake: `${DEADLINE_MS}ms`, dial: "2s" };
const SECRETS: Readonly<Record<string, string>> = {
  "chacha20-ietf-poly1305": "pw",
  "2022-blake3-aes-128-gcm": Buffer.alloc(16, 3).toString("base64"),
};
const WINDOWS: Readonly<Record<string, number>> = { "chacha20-ietf-poly1305": 900, "2022-blake3-aes-128-gcm": 120 };
const METHOD = "chacha20-ietf-poly1305";

interface Asking extends AsyncDisposable {
  readonly relay: RelayFixture & { readonly port: number };
  readonly salts: HeldSalts;
  readonly echo: TcpTarget;
  open(payload?: string, end?: boolean): Promise<ShadowClient>;
}

async function start(method = METHOD, settings: Readonly<Record<string, unknown>> = {}): Promise<Asking> {
  const salts = new HeldSalts();
  const echo = await startEchoTarget();
  const relay = await startSingle(method, SECRETS[method]!, { timeouts, ...settings }, { sharedSalts: salts });
  return {
    relay,
    salts,
    echo,
    open: (payload = "hello", end = false) =>
      ShadowClient.open({ port: relay.port, method, secret: SECRETS[method]!, target: echo, payload: Buffer.from(payload), end }),
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]();
      await echo.close();
    },
  };
}

const claims = ({ relay }: Asking, outcome: string) => relay.metrics.total("shadowsocks.replay.shared.claims", { outcome });

describe("a relay that shares its replay filter", () => {
  for (const method of Object.keys(SECRETS)) {
    test(`${method}: asks before it dials, and about authentic, new salts alone`, async () => {
      await using asking = await start(method);
      const { salts, echo, relay } = asking;
      using client = await asking.open();
      await salts.untilAsked();
      await sleep(50);
      assert.equal(echo.accepted, 0, "dialled before the answer");
      await salts.answer("fresh");
      assert.equal((await client.receive(5)).toString(), "hello");
      const saltLength = method.includes("128") ? 16 : 32;
      const salt = client.request.subarray(0, saltLength).toString("hex");
      assert.deepEqual(salts.asked, [{ scope: String(relay.port), salt, windowSeconds: WINDOWS[method] }]);
      // The relay's own filter knows this one; the others are nobody's.
      for (const bytes of [client.request, Buffer.alloc(400, 7), client.request.subarray(0, 60)]) {
        await probe({ host: "127.0.0.1", port: relay.port, pieces: [bytes], fin: true, deadlineMs: 5_000 });
      }
      assert.equal(salts.asked.length, 1);
      assert.equal(claims(asking, "OK"), 1);
    });

    test(`${method}: what another relay has seen meets the silence of any stranger`, async () => {
      await using asking = await start(method);
      const { relay, salts, echo } = asking;
      const request = () => sealedRequest({ method, secret: SECRETS[method]!, target: echo, payload: Buffer.from("hello") });
      const watched = probe({
        host: "127.0.0.1",
        port: relay.port,
        pieces: [request(), Buffer.alloc(300, 9)],
        deadlineMs: DEADLINE_MS + 5_000,
      });
      await salts.answer("seen");
      const { received, close, closedAfterMs } = await watched;
      assert.deepEqual([received.length, close], [0, "fin"]);
      assert.ok(closedAfterMs > DEADLINE_MS - 50, `closed after ${closedAfterMs} ms`);
      const ended = probe({ host: "127.0.0.1", port: relay.port, pieces: [request()], fin: true, deadlineMs: DEADLINE_MS + 5_000 });
      await salts.untilAsked();
      await sleep(30);
      const answeredMs = performance.now();
      await salts.answer("seen");
      assert.deepEqual([(await ended).received.length, (await ended).close], [0, "fin"]);
      assert.ok(performance.now() - answeredMs < 1_000, "a stranger that has ended is let go at once");
      await relay.quiet();
      assert.equal(echo.accepted, 0);
      assert.equal(relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "REPLAYED" }), 2);
      assert.deepEqual([claims(asking, "REPLAYED"), relay.ends.length], [2, 0]);
    });
  }

  test("what arrives meanwhile is carried, a half-close stands", async () => {
    await using asking = await start();
    await using target = await startHalfCloseTarget({ firstFin: "client" });
    using client = await ShadowClient.open({ port: asking.relay.port, method: METHOD, secret: "pw", target, payload: Buffer.from("one,") });
    await asking.salts.untilAsked();
    client.write(Buffer.from("two,"));
    await sleep(50);
    client.write(Buffer.from("three"));
    client.end();
    await sleep(50);
    await asking.salts.answer("fresh");
    assert.equal((await client.receiveAll()).toString(), "goodbye");
    assert.equal((await target.received()).bytes, "one,two,three".length);
    assert.equal((await asking.relay.ended()).code, "OK");
  });

  test("junk behind a request ends the session only once the request is known to be no replay", async () => {
    await using asking = await start();
    using client = await asking.open();
    await asking.salts.untilAsked();
    client.socket.write(Buffer.alloc(100, 5));
    await sleep(50);
    assert.equal(asking.relay.app.connections, 1);
    await asking.salts.answer("fresh");
    assert.equal(await client.closed, "rst");
    assert.equal((await asking.relay.ended()).code, "STREAM_CORRUPT");
    assert.equal(asking.echo.accepted, 0);
  });

  test("no answer of the set: served, unless it is set to refuse; counted once each", async () => {
    await using accepting = await start();
    using client = await accepting.open();
    await accepting.salts.answer("unavailable");
    assert.equal((await client.receive(5)).toString(), "hello");
    assert.equal(claims(accepting, "REPLAY_UNCHECKED"), 1);

    await using refusing = await start(METHOD, { sharedReplay: { whenUnavailable: "refuse" } });
    using refused = await refusing.open();
    await refusing.salts.answer("unavailable");
    assert.equal(await refused.closed, "fin");
    assert.deepEqual([refused.received.length, refusing.echo.accepted, claims(refusing, "REPLAY_UNCHECKED")], [0, 0, 1]);
    assert.equal(refusing.relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "REPLAY_UNCHECKED" }), 1);
  });

  test("SIP004 is asked about unless that or the filter is off; stream ciphers never", async () => {
    for (const [method, settings] of [
      [METHOD, { sharedReplay: { sip004: false } }],
      [METHOD, { replayFilter: false }],
      ["aes-256-cfb", {}],
    ] as const) {
      const salts = new HeldSalts();
      await using relay = await startSingle(method, "pw", settings, { sharedSalts: salts });
      await using echo = await startEchoTarget();
      using client = await ShadowClient.open({ port: relay.port, method, secret: "pw", target: echo, payload: Buffer.from("hello") });
      assert.equal((await client.receive(5)).toString(), "hello");
      assert.equal(salts.asked.length, 0, method);
    }
  });

  test("the deadline passes while the set is asked: FIN, with everything read", async () => {
    await using asking = await start();
    const request = sealedRequest({ method: METHOD, secret: "pw", target: asking.echo });
    const pieces = [request, Buffer.alloc(1_000, 1), Buffer.alloc(100_000, 2)];
    const { received, close } = await probe({ host: "127.0.0.1", port: asking.relay.port, pieces, deadlineMs: DEADLINE_MS + 5_000 });
    assert.deepEqual([received.length, close], [0, "fin"]);
    await asking.salts.answer("fresh");
    await sleep(50);
    assert.equal(asking.echo.accepted, 0, "a late answer dials for nobody");
    assert.equal(asking.relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "HANDSHAKE_TIMEOUT" }), 1);
  });

  test("a client that resets meanwhile is gone, and so is its late answer", async () => {
    await using asking = await start();
    using client = await asking.open();
    await asking.salts.untilAsked();
    client.socket.resetAndDestroy();
    await asking.relay.quiet();
    await asking.salts.answer("fresh");
    await sleep(50);
    assert.deepEqual([asking.echo.accepted, asking.relay.ends.length, asking.relay.app.sessions.size], [0, 0, 0]);
    assert.equal(asking.relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "CLOSED_IN_HANDSHAKE" }), 1);
  });

  test("a drain does not wait for a claim beyond what it gives strangers", async () => {
    await using asking = await start();
    using client = await asking.open();
    await asking.salts.untilAsked();
    const startedMs = performance.now();
    await asking.relay.app.drain(10_000);
    assert.ok(performance.now() - startedMs < 5_000, "the drain waited");
    assert.equal(await client.closed, "fin");
    await asking.salts.answer("fresh");
    await sleep(20);
    assert.equal(asking.echo.accepted, 0);
  });

  test("a key that is taken away meanwhile does not get in", async () => {
    await using asking = await start();
    const { relay, salts, echo } = asking;
    using client = await asking.open();
    await salts.untilAsked();
    relay.app.keys.apply([]);
    await salts.answer("fresh");
    assert.equal(await client.closed, "fin");
    assert.deepEqual([client.received.length, echo.accepted], [0, 0]);
    await eventually("the refusal", () => relay.metrics.total("shadowsocks.handshake.failures", { "error.type": "AUTH_FAILED" }) === 1);
  });

  test("without a shared set nobody is asked", async () => {
    await using echo = await startEchoTarget();
    await using relay = await startSingle(METHOD, "pw");
    using client = await ShadowClient.open({ port: relay.port, method: METHOD, secret: "pw", target: echo, payload: Buffer.from("hello") });
    assert.equal((await client.receive(5)).toString(), "hello");
    assert.equal(relay.metrics.total("shadowsocks.replay.shared.claims"), 0);
  });
});
