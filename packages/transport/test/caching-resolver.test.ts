import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "@shadowfleet/runtime";
import { CachingResolver, type CachingResolverOptions } from "../src/caching-resolver.ts";
import { interleaveFamilies, systemLookup } from "../src/name-lookup.ts";
import type { Resolution, ResolvedAddress } from "../src/resolver.ts";

const four = (last: number): ResolvedAddress => ({ address: `192.0.2.${last}`, family: 4 });
const six = (last: number): ResolvedAddress => ({ address: `2001:db8::${last}`, family: 6 });

/** A name server by hand: answers from `zone`, notes every question, can be told to fail or to keep silent. */
class FakeNames {
  readonly zone = new Map<string, readonly ResolvedAddress[]>();
  readonly asked: string[] = [];
  failing = false;
  silent = false;

  readonly lookup = (host: string): Promise<readonly ResolvedAddress[]> => {
    this.asked.push(host);
    if (this.silent) return new Promise(() => {});
    const answer = this.zone.get(host);
    if (this.failing || answer === undefined) return Promise.reject(Object.assign(new Error(`${host} not found`), { code: "ENOTFOUND" }));
    return Promise.resolve(answer);
  };
}

function rig(options: CachingResolverOptions = {}): { names: FakeNames; clock: ManualClock; resolver: CachingResolver } {
  const names = new FakeNames();
  names.zone.set("a.example", [four(1)]);
  const clock = new ManualClock();
  return { names, clock, resolver: new CachingResolver({ lookup: names.lookup, clock, ...options }) };
}

const addressesOf = (resolution: Resolution | undefined): string[] =>
  resolution?.ok
    ? resolution.addresses.map(({ address }) => address)
    : [resolution === undefined ? "unknown" : (resolution as { code: string }).code];

test("literal addresses are never looked up", async () => {
  const { names, resolver } = rig();
  for (const host of ["192.0.2.9", "2001:db8::9", "::1", "::ffff:192.0.2.9"]) {
    const expected = { ok: true, addresses: [{ address: host, family: host.includes(":") ? 6 : 4 }] };
    assert.deepEqual(resolver.peek(host), expected);
    assert.deepEqual(await resolver.resolve(host), expected);
  }
  assert.deepEqual(names.asked, []);
  assert.equal(resolver.size, 0);
});

test("an answer serves 30 s, for every spelling of the name, and is known to peek", async () => {
  const { names, clock, resolver } = rig();
  assert.equal(resolver.peek("a.example"), undefined);
  assert.deepEqual(addressesOf(await resolver.resolve("A.Example")), ["192.0.2.1"]);
  clock.advance(29_999);
  assert.deepEqual(addressesOf(resolver.peek("a.EXAMPLE")), ["192.0.2.1"]);
  assert.deepEqual(names.asked, ["a.example"]);
  clock.advance(1);
  assert.equal(resolver.peek("a.example"), undefined);
  names.zone.set("a.example", [four(2)]);
  assert.deepEqual(addressesOf(await resolver.resolve("a.example")), ["192.0.2.2"]);
});

test("a failure is DNS_FAILED with its cause and is remembered 5 s", async () => {
  const { names, clock, resolver } = rig();
  const failure = await resolver.resolve("missing.example");
  assert.ok(!failure.ok);
  assert.equal(failure.code, "DNS_FAILED");
  assert.match(String(failure.cause), /missing\.example not found/);
  names.zone.set("missing.example", [four(3)]);
  clock.advance(4_999);
  assert.deepEqual(addressesOf(resolver.peek("missing.example")), ["DNS_FAILED"]);
  clock.advance(1);
  assert.deepEqual(addressesOf(await resolver.resolve("missing.example")), ["192.0.2.3"]);
  assert.equal(names.asked.length, 2);
  names.zone.set("empty.example", []);
  assert.deepEqual(addressesOf(await resolver.resolve("empty.example")), ["DNS_FAILED"]);
});

test("requests at the same time share one look-up", async () => {
  const { names, resolver } = rig();
  const answers = await Promise.all(["a.example", "A.EXAMPLE", "a.example"].map((host) => resolver.resolve(host)));
  assert.deepEqual(answers.map(addressesOf), [["192.0.2.1"], ["192.0.2.1"], ["192.0.2.1"]]);
  assert.deepEqual(names.asked, ["a.example"]);
});

test("when a refresh fails the old answer serves up to 60 s more, asked again every 5 s", async () => {
  const { names, clock, resolver } = rig();
  await resolver.resolve("a.example");
  names.failing = true;
  clock.advance(30_000);
  assert.deepEqual(addressesOf(await resolver.resolve("a.example")), ["192.0.2.1"]);
  assert.equal(names.asked.length, 2);
  clock.advance(4_999);
  assert.deepEqual(addressesOf(resolver.peek("a.example")), ["192.0.2.1"]);
  assert.equal(names.asked.length, 2);
  clock.advance(55_000);
  assert.deepEqual(addressesOf(await resolver.resolve("a.example")), ["192.0.2.1"], "89.999 s after the answer");
  clock.advance(5_000);
  assert.deepEqual(addressesOf(await resolver.resolve("a.example")), ["DNS_FAILED"], "more than 90 s after");
  names.failing = false;
  clock.advance(5_000);
  assert.deepEqual(addressesOf(await resolver.resolve("a.example")), ["192.0.2.1"]);
});

test("the least recently used name is forgotten at the capacity", async () => {
  const { names, resolver } = rig({ capacity: 3 });
  for (const name of ["a", "b", "c", "d"]) names.zone.set(name, [four(1)]);
  for (const name of ["a", "b", "c"]) await resolver.resolve(name);
  resolver.peek("a");
  await resolver.resolve("d");
  assert.equal(resolver.size, 3);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((name) => resolver.peek(name) !== undefined),
    [true, false, true, true],
  );
});

test("a doubted answer is asked for anew, and serves on if that fails; failures and literal addresses are not doubted", async () => {
  const { names, resolver } = rig();
  await resolver.resolve("a.example");
  names.zone.set("a.example", [four(2)]);
  resolver.doubt("A.example");
  assert.equal(resolver.peek("a.example"), undefined);
  assert.deepEqual(addressesOf(await resolver.resolve("a.example")), ["192.0.2.2"]);
  resolver.doubt("a.example");
  names.failing = true;
  assert.deepEqual(addressesOf(await resolver.resolve("a.example")), ["192.0.2.2"], "better than nothing");
  await resolver.resolve("b.example");
  const asked = names.asked.length;
  for (const host of ["b.example", "192.0.2.9", "never.seen"]) resolver.doubt(host);
  assert.deepEqual(addressesOf(await resolver.resolve("b.example")), ["DNS_FAILED"]);
  assert.equal(names.asked.length, asked, "a failure has its own, short time");
});

test("a look-up that does not answer fails in time, and what the system owes is bounded", { timeout: 5_000 }, async () => {
  const { names, resolver } = rig({ queryTimeoutMs: 30, maxOutstanding: 2 });
  names.silent = true;
  const started = performance.now();
  const [first, second] = await Promise.all([resolver.resolve("one.example"), resolver.resolve("two.example")]);
  assert.ok(performance.now() - started >= 29);
  assert.deepEqual([addressesOf(first), addressesOf(second)], [["DNS_FAILED"], ["DNS_FAILED"]]);
  const third = await resolver.resolve("three.example");
  assert.match(String(!third.ok && third.cause), /too many look-ups outstanding/);
  assert.deepEqual(names.asked, ["one.example", "two.example"]);
});

test("what is no host name is not asked for", async () => {
  const { names, resolver } = rig();
  for (const host of ["", "127.0.0.1\0.example", "a b", "a\nb", "x".repeat(256)]) {
    assert.deepEqual(addressesOf(await resolver.resolve(host)), ["DNS_FAILED"], JSON.stringify(host));
  }
  assert.deepEqual(names.asked, []);
});

test("families alternate, led by the system's first choice, in order within each (RFC 8305)", () => {
  assert.deepEqual(interleaveFamilies([six(1), six(2), six(3), four(1), four(2)]), [six(1), four(1), six(2), four(2), six(3)]);
  assert.deepEqual(interleaveFamilies([four(1), six(1), six(2), six(3)]), [four(1), six(1), six(2), six(3)]);
  assert.deepEqual(interleaveFamilies([four(1), four(2)]), [four(1), four(2)]);
  assert.deepEqual(interleaveFamilies([]), []);
});

test("the system's own look-up knows localhost, and an unknown name is a failure", { timeout: 20_000 }, async () => {
  const loopback = new Set(["127.0.0.1", "::1"]);
  const addresses = await systemLookup("localhost");
  assert.ok(addresses.length > 0 && addresses.every(({ address }) => loopback.has(address)));
  // RFC 6761 §6.4: this top-level domain never resolves. The resolver's own limit bounds a machine whose DNS does not answer.
  const resolver = new CachingResolver({ queryTimeoutMs: 2_000 });
  assert.deepEqual(addressesOf(await resolver.resolve("nowhere.invalid")), ["DNS_FAILED"]);
});
