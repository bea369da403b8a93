import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AccessKey } from "../src/access-key.ts";
import { createPortKeys } from "../src/port-keys.ts";
import { TrafficLedger } from "../src/traffic-ledger.ts";
import { sampleCredential } from "./sample-ports.ts";

const ledger = new TrafficLedger();

function accessKey(id: string, method = "chacha20-ietf-poly1305"): AccessKey {
  return { id, name: id, port: 8388, credential: sampleCredential(method, id), meter: ledger.meterOf(id, 8388) };
}

const keysNamed = (ids: string) => [...ids].map((id) => accessKey(id));
const order = (candidates: Iterable<AccessKey>) => [...candidates].map(({ id }) => id).join("");

describe("a single key", () => {
  test("has one ring for everybody", () => {
    const [key] = keysNamed("a");
    const port = createPortKeys([key!], undefined);
    const ring = port.ringFor("192.0.2.1");
    assert.equal(port.ringFor("192.0.2.2"), ring);
    assert.equal(order(ring.candidates()), "a");
    assert.equal(ring.single, key);
    assert.equal(ring.identityKey, undefined);
  });
});

describe("many SIP004 keys", () => {
  test("are tried in configured order at first", () => {
    const port = createPortKeys(keysNamed("abcd"), undefined);
    assert.equal(order(port.ringFor("192.0.2.1").candidates()), "abcd");
    assert.equal(port.ringFor("192.0.2.1").single, undefined);
  });

  test("used from this client address come first, latest first, the others most recently used first", () => {
    const keys = keysNamed("abcdef");
    const port = createPortKeys(keys, undefined);
    const use = (id: string, host: string) => port.ringFor(host).found(keys.find((key) => key.id === id)!);
    use("c", "192.0.2.1");
    use("e", "192.0.2.2");
    assert.equal(order(port.ringFor("192.0.2.1").candidates()), "ceabdf");
    assert.equal(order(port.ringFor("192.0.2.2").candidates()), "ecabdf");
    assert.equal(order(port.ringFor("192.0.2.3").candidates()), "ecabdf");
    use("f", "192.0.2.1");
    use("a", "192.0.2.2");
    assert.equal(order(port.ringFor("192.0.2.1").candidates()), "fcaebd");
    use("c", "192.0.2.1");
    assert.equal(order(port.ringFor("192.0.2.1").candidates()), "cfaebd");
  });

  test("each is tried once, whatever was used before", () => {
    const keys = keysNamed("abcdefgh");
    const port = createPortKeys(keys, undefined);
    for (let n = 0; n < 100; n++) {
      const host = `192.0.2.${n % 3}`;
      port.ringFor(host).found(keys[(n * 5) % keys.length]!);
      assert.equal(order([...port.ringFor(host).candidates()].toSorted((a, b) => a.id.localeCompare(b.id))), "abcdefgh");
    }
  });

  test("a source remembers few keys and few sources are remembered", () => {
    const keys = keysNamed("abcdefghijklmnopqrst");
    const port = createPortKeys(keys, undefined);
    for (const key of keys) port.ringFor("192.0.2.1").found(key);
    port.ringFor("192.0.2.2").found(keys[0]!);
    assert.equal(order(port.ringFor("192.0.2.1").candidates()).slice(0, 17), "tsrqponmlkjihgfea");
    for (let n = 0; n < 9000; n++) port.ringFor(`2001:db8:${n.toString(16)}::1`).found(keys[1]!);
    assert.equal(order(port.ringFor("192.0.2.1").candidates()).slice(0, 2), "ba");
  });

  test("keep rank and hints across a reload; new keys come last, gone ones are not tried", () => {
    const before = keysNamed("abcd");
    const first = createPortKeys(before, undefined);
    first.ringFor("192.0.2.1").found(before[2]!);
    first.ringFor("192.0.2.2").found(before[3]!);
    const next = createPortKeys(keysNamed("xacd"), undefined, first);
    assert.equal(order(next.ringFor("192.0.2.1").candidates()), "cdax");
    assert.equal(order(next.ringFor("192.0.2.9").candidates()), "dcax");
    next.ringFor("192.0.2.1").found(before[1]!);
    assert.equal(order(next.ringFor("192.0.2.1").candidates()), "cdax");
  });

  test("a search that is cut short leaves the order alone", () => {
    const port = createPortKeys(keysNamed("abc"), undefined);
    for (const key of port.ringFor("192.0.2.1").candidates()) if (key.id === "b") break;
    assert.equal(order(port.ringFor("192.0.2.1").candidates()), "abc");
  });
});

describe("a secret being rotated out", () => {
  const rotating = (id: string, method?: string): AccessKey => {
    const key = accessKey(id, method);
    return { ...key, previous: { ...key, credential: sampleCredential(key.credential.method.name, `old ${id}`), isPrevious: true } };
  };
  const names = (candidates: Iterable<AccessKey>) => [...candidates].map(({ id, isPrevious }) => (isPrevious ? `${id}'` : id)).join(" ");

  test("is tried right behind the current one of its key, on SIP004 ports with one key or many", () => {
    assert.equal(
      names(
        createPortKeys([rotating("a")], undefined)
          .ringFor("192.0.2.1")
          .candidates(),
      ),
      "a a'",
    );
    const [a, b, c] = [accessKey("a"), rotating("b"), accessKey("c")];
    const port = createPortKeys([a, b, c], undefined);
    assert.equal(names(port.ringFor("192.0.2.1").candidates()), "a b b' c");
    port.ringFor("192.0.2.1").found(b.previous!);
    assert.equal(names(port.ringFor("192.0.2.1").candidates()), "b b' a c");
    assert.equal(port.previousRing, undefined);
    const after = createPortKeys([a, accessKey("b"), c], undefined, port);
    assert.equal(names(after.ringFor("192.0.2.1").candidates()), "b a c");
  });

  test("is found by its own identity hash", () => {
    const method = "2022-blake3-aes-128-gcm";
    const key = rotating("a", method);
    const ring = createPortKeys([accessKey("b", method), key], Buffer.alloc(16)).ringFor("192.0.2.1");
    assert.equal(ring.byIdentity(key.credential.identityHash, 0), key);
    assert.equal(ring.byIdentity(key.previous!.credential.identityHash, 0), key.previous);
  });

  test("has a ring of its own on a SIP022 port without identity headers, and none with a stream cipher", () => {
    const key = rotating("a", "2022-blake3-chacha20-poly1305");
    const port = createPortKeys([key], undefined);
    assert.deepEqual([port.ringFor("192.0.2.1").single, port.previousRing?.single], [key, key.previous]);
    const stream = createPortKeys([rotating("a", "aes-256-cfb")], undefined);
    assert.deepEqual([names(stream.ringFor("192.0.2.1").candidates()), stream.previousRing], ["a", undefined]);
  });
});

describe("identity headers", () => {
  const method = "2022-blake3-aes-128-gcm";

  test("name a key by 16 bytes anywhere in a buffer", () => {
    const keys = Array.from({ length: 500 }, (_, n) => accessKey(`key-${n}`, method));
    const identityKey = Buffer.alloc(16, 7);
    const ring = createPortKeys(keys, identityKey).ringFor("192.0.2.1");
    assert.equal(ring.single, undefined);
    assert.deepEqual(ring.identityKey, identityKey);
    for (const [n, key] of keys.entries()) {
      const packet = Buffer.concat([Buffer.alloc(n % 7, 1), key.credential.identityHash, Buffer.alloc(3)]);
      assert.equal(ring.byIdentity(packet, n % 7), key);
    }
  });

  test("that name nobody find nobody, nor do 15 bytes", () => {
    const keys = [accessKey("a", method), accessKey("b", method)];
    const ring = createPortKeys(keys, Buffer.alloc(16)).ringFor("192.0.2.1");
    assert.equal(ring.byIdentity(Buffer.alloc(16, 0x5a), 0), undefined);
    const flipped = Buffer.from(keys[0]!.credential.identityHash);
    flipped[15]! ^= 1;
    assert.equal(ring.byIdentity(flipped, 0), undefined);
    assert.equal(ring.byIdentity(keys[0]!.credential.identityHash.subarray(0, 15), 0), undefined);
    assert.equal(ring.byIdentity(keys[0]!.credential.identityHash, 1), undefined);
    assert.equal(order(ring.candidates()), "");
  });
});
