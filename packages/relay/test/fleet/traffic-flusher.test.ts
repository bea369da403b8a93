import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import { createMemoryLogger, expectNoOpenHandles, RecordingMetrics } from "@shadowfleet/testkit";
import fc from "fast-check";
import { TrafficFlusher, type TrafficFlusherOptions } from "../../src/fleet/traffic-flusher.ts";
import { TrafficLedger } from "../../src/traffic-ledger.ts";
import { FATES, FaultyStore } from "./faulty-store.ts";

interface Bench {
  readonly ledger: TrafficLedger;
  readonly flusher: TrafficFlusher;
  readonly metrics: RecordingMetrics;
  readonly log: ReturnType<typeof createMemoryLogger>;
}

function bench(store: FaultyStore, more: Partial<TrafficFlusherOptions> = {}): Bench {
  const ledger = new TrafficLedger();
  const metrics = new RecordingMetrics();
  const log = createMemoryLogger();
  const flusher = new TrafficFlusher({
    ledger,
    store,
    memberId: "relay-1",
    epoch: "e1",
    isInForce: () => true,
    clock: new ManualClock(),
    logger: log.logger,
    metrics,
    callTimeoutMs: 5,
    retryMs: 1,
    ...more,
  });
  return { ledger, flusher, metrics, log };
}

const keyTotal = async (store: FaultyStore, id: string) => (await store.inner.readTraffic({ kind: "key", id })).total;

describe("TrafficFlusher", () => {
  test("sends what was counted since the batch before, and nothing when nothing was", async () => {
    const store = new FaultyStore();
    const { ledger, flusher } = bench(store);
    const [a, b] = [ledger.meterOf("a", 1), ledger.meterOf("b", 2)];
    assert.equal(await flusher.flush(), true);
    assert.deepEqual(store.sent, []);
    a.tcp.up += 10;
    b.udp.down += 7;
    assert.equal(flusher.unflushedBytes, 17);
    assert.equal(await flusher.flush(), true);
    a.tcp.up += 1;
    a.tcp.down += 2;
    await flusher.flush();
    await flusher.flush();
    const nothing = { tcpUp: 0, tcpDown: 0, udpUp: 0, udpDown: 0 };
    assert.deepEqual(
      store.sent.map(({ sequence, deltas }) => ({ sequence, deltas })),
      [
        {
          sequence: 1,
          deltas: [
            { keyId: "a", port: 1, ...nothing, tcpUp: 10 },
            { keyId: "b", port: 2, ...nothing, udpDown: 7 },
          ],
        },
        { sequence: 2, deltas: [{ keyId: "a", port: 1, ...nothing, tcpUp: 1, tcpDown: 2 }] },
      ],
    );
    assert.equal(flusher.unflushedBytes, 0);
    assert.deepEqual((await store.inner.readTraffic({ kind: "port", port: 2 })).total, { ...nothing, udpDown: 7 });
  });

  test("sends the very same batch until it is acknowledged; what is counted meanwhile waits", async () => {
    const store = new FaultyStore(["answer lost", "refused", "never answers"]);
    const { ledger, flusher, metrics, log } = bench(store);
    const meter = ledger.meterOf("a", 1);
    for (let n = 0; n < 3; n++) {
      meter.tcp.up += 100;
      assert.equal(await flusher.flush(), false);
    }
    assert.equal(flusher.unflushedBytes, 300);
    meter.tcp.up += 100;
    assert.equal(await flusher.flush(), true);
    assert.deepEqual(
      store.sent.map(({ sequence, deltas }) => [sequence, deltas[0]?.tcpUp]),
      [
        [1, 100],
        [1, 100],
        [1, 100],
        [1, 100],
        [2, 300],
      ],
    );
    assert.equal(store.sent[0], store.sent[3], "the same object, not one made again");
    assert.equal((await keyTotal(store, "a")).tcpUp, 400);
    assert.deepEqual(
      [metrics.total("fleet.traffic.flushes", { outcome: "OK" }), metrics.total("fleet.traffic.flushes", { outcome: "STORE_UNAVAILABLE" })],
      [2, 3],
    );
    assert.deepEqual(
      log.lines.filter(({ level }) => level !== "debug").map(({ level }) => level),
      ["warn", "info"],
      "an outage is told once, and its end",
    );
  });

  test("one batch is in flight, however often it is asked", async () => {
    const store = new FaultyStore();
    const { ledger, flusher } = bench(store);
    ledger.meterOf("a", 1).tcp.up = 1;
    await Promise.all([flusher.flush(), flusher.flush(), flusher.flush()]);
    assert.equal(store.sent.length, 1);
  });

  test("many keys go in several batches, all within one flush", async () => {
    const store = new FaultyStore();
    const { ledger, flusher } = bench(store, { callTimeoutMs: 5000 });
    for (let n = 0; n < 4500; n++) ledger.meterOf(`k${n}`, 1).tcp.down = n + 1;
    assert.equal(await flusher.flush(), true);
    assert.deepEqual(
      store.sent.map(({ deltas }) => deltas.length),
      [2000, 2000, 500],
    );
    assert.equal((await store.inner.readTraffic({ kind: "fleet" })).total.tcpDown, (4500 * 4501) / 2);
  });

  test("a key that is gone is flushed, and its meter let go long after its last byte", async () => {
    const store = new FaultyStore();
    const gone = new Set<string>();
    const { ledger, flusher } = bench(store, { isInForce: (keyId) => !gone.has(keyId) });
    const meter = ledger.meterOf("a", 1);
    ledger.meterOf("b", 1).tcp.up = 5;
    meter.tcp.up = 10;
    await flusher.flush();
    gone.add("a");
    meter.tcp.up += 3;
    for (let n = 0; n < 50; n++) await flusher.flush();
    meter.tcp.up += 4;
    for (let n = 0; n < 50; n++) await flusher.flush();
    assert.equal(ledger.meterOf("a", 1), meter, "not before a minute of silence");
    for (let n = 0; n < 20; n++) await flusher.flush();
    assert.notEqual(ledger.meterOf("a", 1), meter);
    assert.deepEqual([(await keyTotal(store, "a")).tcpUp, ledger.total("tcp").up, flusher.unflushedBytes], [17, 22, 0]);
    ledger.meterOf("a", 1).tcp.up += 1;
    await flusher.flush();
    assert.equal((await keyTotal(store, "a")).tcpUp, 18, "a key that comes back counts on");
  });

  test("finish waits for what is in flight and then sends the rest", async () => {
    const store = new FaultyStore(["answer lost", "refused", "never answers"]);
    const { ledger, flusher } = bench(store);
    const meter = ledger.meterOf("a", 1);
    meter.tcp.up = 100;
    const running = flusher.flush();
    meter.tcp.up += 11;
    assert.equal(await flusher.finish(2000), true);
    await running;
    assert.equal((await keyTotal(store, "a")).tcpUp, 111);
  });

  test("finish gives up at its limit, and says what is lost", async () => {
    const store = new FaultyStore();
    store.fate = "refused";
    const { ledger, flusher, log } = bench(store);
    ledger.meterOf("a", 1).tcp.up = 42;
    const startedMs = performance.now();
    assert.equal(await flusher.finish(60), false);
    assert.ok(performance.now() - startedMs < 1000);
    const [line] = log.lines.filter(({ level }) => level === "error");
    assert.deepEqual([line?.code, line?.bytes], ["STORE_UNAVAILABLE", 42]);
  });

  test("totals are exact under any schedule of faults, reloads and restarts", async () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("count" as const),
          key: fc.integer({ min: 0, max: 4 }),
          bytes: fc.integer({ min: 1, max: 1 << 20 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("flush" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
    );
    let faults = 0;
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 30 }),
      fc.array(fc.constantFrom(...FATES), { minLength: 10, maxLength: 30 }),
      async (steps, schedule) => {
        const store = new FaultyStore(schedule);
        const counted = new Map<string, number>();
        let epoch = 1;
        let { ledger, flusher } = bench(store, { epoch: "e1", callTimeoutMs: 2, intervalMs: 1_000_000 });
        for (const what of steps) {
          if (what.do === "count") {
            const id = `k${what.key}`;
            const direction = what.bytes % 2 === 0 ? "up" : "down";
            ledger.meterOf(id, 1)[what.key % 2 === 0 ? "tcp" : "udp"][direction] += what.bytes;
            counted.set(id, (counted.get(id) ?? 0) + what.bytes);
          } else if (what.do === "flush") {
            await flusher.flush();
          } else {
            assert.equal(await flusher.finish(5000), true);
            epoch++;
            ({ ledger, flusher } = bench(store, { epoch: `e${epoch}`, callTimeoutMs: 2 }));
          }
        }
        assert.equal(await flusher.finish(5000), true);
        faults += store.repeats;
        for (const [id, bytes] of counted) {
          const { tcpUp, tcpDown, udpUp, udpDown } = await keyTotal(store, id);
          assert.equal(tcpUp + tcpDown + udpUp + udpDown, bytes, id);
        }
        const fleet = (await store.inner.readTraffic({ kind: "fleet" })).total;
        assert.equal(
          fleet.tcpUp + fleet.tcpDown + fleet.udpUp + fleet.udpDown,
          [...counted.values()].reduce((sum, bytes) => sum + bytes, 0),
        );
        await store.inner.close();
      },
    );
    await fc.assert(property, { numRuns: 60 });
    assert.ok(faults > 50, `only ${faults} batches had to be sent again`);
  });
});

expectNoOpenHandles();
