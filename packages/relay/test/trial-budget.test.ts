import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import type { AccessKey } from "../src/access-key.ts";
import { createPortKeys, type PortKeys } from "../src/port-keys.ts";
import { TrafficLedger } from "../src/traffic-ledger.ts";
import { TrialBudget } from "../src/trial-budget.ts";
import { sampleCredential } from "./sample-ports.ts";

const METHOD = "chacha20-ietf-poly1305";
const KEYS = 10;
const FLOODER = "192.0.2.66";
const HONEST = "192.0.2.7";

const ledger = new TrafficLedger();
const keys: AccessKey[] = Array.from({ length: KEYS }, (_, n) => {
  const id = `key-${n}`;
  return { id, name: id, port: 1, credential: sampleCredential(METHOD, id), meter: ledger.meterOf(id, 1) };
});

/** Ten keys; 50 trials a second a source, 200 in all; twice as many saved up. */
function limited(limits = { perSource: 50, total: 200 }) {
  const clock = new ManualClock();
  const budget = new TrialBudget(clock, () => limits);
  return { clock, budget, limits, port: createPortKeys(keys, undefined, undefined, undefined, budget) };
}

/** One handshake that no key opens; the keys tried. */
function fail(port: PortKeys, host: string): number {
  const ring = port.ringFor(host);
  const tried = [...ring.candidates()].length;
  assert.equal(ring.cutShort, tried < KEYS);
  return tried;
}

/** One handshake under `key`; the keys tried, or undefined when it was not among them. */
function succeed(port: PortKeys, host: string, key: AccessKey): number | undefined {
  const ring = port.ringFor(host);
  let tried = 0;
  for (const candidate of ring.candidates()) {
    tried += 1;
    if (candidate !== key) continue;
    ring.found(key);
    return tried;
  }
  return undefined;
}

function exhaust(port: PortKeys, host: string): number {
  let searches = 0;
  while (fail(port, host) === KEYS) searches += 1;
  return searches;
}

describe("the budget of key trials", () => {
  test("a source has two seconds' worth, then its rate; time gives it back", () => {
    const { port, clock } = limited();
    assert.equal(exhaust(port, FLOODER), 10);
    assert.equal(fail(port, FLOODER), 0);
    clock.advance(200);
    assert.equal(exhaust(port, FLOODER), 1);
    clock.advance(3_600_000);
    assert.equal(exhaust(port, FLOODER), 10, "no more is saved up");
  });

  test("another source is not concerned", () => {
    const { port } = limited();
    exhaust(port, FLOODER);
    assert.equal(succeed(port, HONEST, keys[9]!), KEYS);
  });

  test("a client that has shown its key gets in from behind the flooder's very address", () => {
    const { port } = limited();
    succeed(port, FLOODER, keys[7]!);
    succeed(port, FLOODER, keys[3]!);
    let searches = 0;
    while (fail(port, FLOODER) === KEYS) searches += 1;
    assert.ok(searches > 0);
    assert.deepEqual([succeed(port, FLOODER, keys[7]!), succeed(port, FLOODER, keys[3]!)], [2, 2]);
    assert.equal(succeed(port, FLOODER, keys[5]!), undefined, "a key never shown from there has to wait");
  });

  test("sources that have failed share a budget in all, and leave that of new ones alone", () => {
    const { port } = limited();
    const hosts = Array.from({ length: 30 }, (_, host) => `198.51.100.${host}`);
    const searches = () => hosts.filter((host) => fail(port, host) === KEYS).length;
    assert.equal(searches(), 30, "each is new once");
    assert.equal(searches() + searches(), 40);
    assert.equal(succeed(port, "203.0.113.1", keys[9]!), KEYS, "a newcomer's key is found");
    assert.equal(succeed(port, hosts[0]!, keys[9]!), undefined, "one that has failed waits");
  });

  test("new sources share a budget in all; known clients have their own", () => {
    const { port } = limited();
    succeed(port, HONEST, keys[1]!);
    let searches = 0;
    for (let host = 0; host < 200; host++) if (fail(port, `198.51.100.${host}`) === KEYS) searches += 1;
    assert.equal(searches, 40);
    assert.equal(succeed(port, "203.0.113.1", keys[2]!), undefined, "a newcomer with a key waits");
    assert.equal(succeed(port, HONEST, keys[1]!), 1);
    assert.equal(succeed(port, HONEST, keys[8]!), 9, "a new key from a known source is looked for");
  });

  test("what finds its key costs nothing, however often and from however many", () => {
    const { port, budget } = limited();
    for (let n = 0; n < 1000; n++) assert.ok(succeed(port, `10.0.${n % 50}.1`, keys[(n * 7) % KEYS]!));
    assert.equal(budget.sources, 0, "and nothing is remembered");
  });

  test("a source that finds its key and owes nothing is new again", () => {
    const { port, budget, clock } = limited();
    fail(port, HONEST);
    assert.equal(budget.sources, 1);
    clock.advance(1000);
    assert.ok(succeed(port, HONEST, keys[4]!));
    assert.equal(budget.sources, 0);
  });

  test("a search that opens a replay is paid for, and makes nobody known", () => {
    const { port } = limited();
    let searches = 0;
    for (; searches < 100; searches++) {
      const ring = port.ringFor(FLOODER);
      const tried: AccessKey[] = [];
      for (const key of ring.candidates()) {
        tried.push(key);
        // Opened, but the salt is not new: the ring is not told.
        if (key === keys[9]) break;
      }
      if (tried.length === 0) break;
    }
    assert.equal(searches, 10);
  });

  test("a port with more keys than a budget is searched to its end, and paid for by waiting", () => {
    const { port, clock } = limited({ perSource: 1, total: 100 });
    assert.equal(fail(port, FLOODER), KEYS);
    clock.advance(7000);
    assert.equal(fail(port, FLOODER), 0);
    clock.advance(1001);
    assert.equal(fail(port, FLOODER), KEYS);
  });

  test("the addresses of one IPv6 /64 are one source, those of another are not", () => {
    const { port } = limited();
    let searches = 0;
    while (fail(port, `2001:db8:0:1:${searches.toString(16)}::9`) === KEYS) searches += 1;
    assert.equal(searches, 10);
    assert.equal(fail(port, "2001:db8:0:2::9"), KEYS);
    assert.equal(fail(port, "2001:db8:0:1::1"), 0);
  });

  test("a reload's limits hold at once", () => {
    const { port, limits } = limited();
    exhaust(port, FLOODER);
    limits.perSource = 100;
    assert.equal(fail(port, FLOODER), KEYS);
  });

  test("remembers so many sources at most, those quiet longest forgotten first", () => {
    const { port, budget } = limited({ perSource: 50, total: 1e9 });
    exhaust(port, FLOODER);
    for (let n = 0; n < 9000; n++) fail(port, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    assert.equal(budget.sources, 8192);
    assert.equal(fail(port, FLOODER), KEYS);
  });

  test("holds for a port that had one key first", () => {
    const budget = new TrialBudget(new ManualClock(), () => ({ perSource: 5, total: 1000 }));
    const port = createPortKeys(keys.slice(0, 1), undefined, undefined, undefined, budget).patched(keys, []);
    assert.equal(exhaust(port, FLOODER), 1);
  });
});
