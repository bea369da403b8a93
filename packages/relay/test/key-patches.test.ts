import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { AccessKey } from "../src/access-key.ts";
import { AccessKeyTable } from "../src/access-key-table.ts";
import { IdentityIndex } from "../src/identity-index.ts";
import type { KeyConfig } from "../src/relay-config.ts";
import { sampleCredential, sampleKey, samplePort } from "./sample-ports.ts";

const AES_2022 = "2022-blake3-aes-128-gcm";
const SIP004 = "chacha20-ietf-poly1305";

/** What is done to one key of eight: taken away, put, or put with a secret being rotated out. */
const steps = fc.array(
  fc.array(fc.record({ id: fc.constantFrom(..."abcdefgh"), secret: fc.constantFrom("", "1", "2"), rotating: fc.boolean() }), {
    maxLength: 4,
  }),
  { maxLength: 20 },
);

/** Everything a port would open for a client, and in which order it would try. */
function opens(table: AccessKeyTable, secrets: readonly KeyConfig[]): unknown {
  const keys = table.portKeys(1)!;
  const ring = keys.ringFor("192.0.2.1");
  const shown = (key: AccessKey | undefined) => key && `${key.id}${key.isPrevious ? "'" : ""} ${key.credential.key.toString("hex")}`;
  return {
    keys: keys.keys.map(shown).toSorted(),
    candidates: [...ring.candidates()].map(shown).toSorted(),
    byIdentity: secrets.map(({ credential }) => shown(ring.byIdentity(credential.identityHash, 0))),
    single: shown(ring.single),
  };
}

describe("patches of a port's keys", () => {
  for (const [method, identityKey] of [
    [SIP004, undefined],
    [AES_2022, Buffer.alloc(16, 9)],
  ] as const) {
    test(`${method}: come to the same as configuring the whole anew`, () => {
      const secrets = [..."abcdefgh"].flatMap((id) => ["1", "2"].map((secret) => sampleKey(id, id + secret, method)));
      fc.assert(
        fc.property(steps, (changes) => {
          const patched = new AccessKeyTable();
          const port = (keys: readonly KeyConfig[]) => samplePort(1, keys, { identityKey, method: sampleCredential(method, "x").method });
          patched.apply([port([])]);
          const inForce = new Map<string, KeyConfig>();
          for (const step of changes) {
            const put = new Map<string, KeyConfig>();
            const removed = new Set<string>();
            for (const { id, secret, rotating } of step) {
              put.delete(id);
              removed.delete(id);
              const key = sampleKey(id, id + secret, method);
              const previousCredential = rotating ? sampleCredential(method, id + (secret === "1" ? "2" : "1")) : undefined;
              if (secret === "") removed.add(id);
              else put.set(id, { ...key, previousCredential });
            }
            for (const id of removed) inForce.delete(id);
            for (const [id, key] of put) inForce.set(id, key);
            patched.change({ served: [], gone: [], patches: [{ port: 1, put: [...put.values()], removed: [...removed] }] });
            const whole = new AccessKeyTable();
            whole.apply([port([...inForce.values()])]);
            assert.deepEqual(opens(patched, secrets), opens(whole, secrets));
            assert.equal(patched.size, inForce.size);
          }
        }),
        { numRuns: 100 },
      );
    });
  }

  test("keep the order of trials: what was used first, new ones last", () => {
    const table = new AccessKeyTable();
    table.apply([
      samplePort(
        1,
        ["a", "b", "c"].map((id) => sampleKey(id)),
      ),
    ]);
    const ring = () => table.portKeys(1)!.ringFor("192.0.2.1");
    const order = () => [...ring().candidates()].map(({ id }) => id).join("");
    ring().found(table.key("c")!);
    const patch = (put: string[], removed: string[]) =>
      table.change({ served: [], gone: [], patches: [{ port: 1, put: put.map((id) => sampleKey(id, `${id} anew`)), removed }] });
    patch(["d", "b"], []);
    assert.equal(order(), "cabd");
    patch(["e"], ["c"]);
    assert.equal(order(), "abde");
    patch([], ["e"]);
    patch(["f"], ["a"]);
    assert.equal(order(), "bdf");
    patch([], ["b", "d"]);
    assert.deepEqual([order(), ring().single?.id], ["f", "f"]);
  });

  test("a key moves between ports, whichever is patched first", () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const table = new AccessKeyTable();
      table.apply([samplePort(1, [sampleKey("a"), sampleKey("x")]), samplePort(2, [sampleKey("y")])]);
      const patches = order.map((port) => (port === 1 ? { port, put: [], removed: ["a"] } : { port, put: [sampleKey("a")], removed: [] }));
      assert.deepEqual(table.change({ served: [], gone: [], patches }), { added: [], removed: [], changed: ["a"] });
      assert.deepEqual([table.key("a")?.port, table.size], [2, 3]);
      assert.deepEqual(
        [1, 2].map((port) =>
          table
            .portKeys(port)
            ?.keys.map(({ id }) => id)
            .join(""),
        ),
        ["x", "ya"],
      );
    }
  });
});

describe("IdentityIndex", () => {
  test("finds what is in it and nothing else, through any number of changes", () => {
    const keyOf = (n: number): AccessKey => ({
      id: `k${n}`,
      name: "",
      port: 1,
      credential: sampleCredential(AES_2022, `${n}`),
      meter: { tcp: { up: 0, down: 0 }, udp: { up: 0, down: 0 } },
    });
    const keys = Array.from({ length: 300 }, (_, n) => keyOf(n));
    const index = new IdentityIndex(keys.slice(0, 10));
    const inside = new Set(keys.slice(0, 10));
    let seed = 1;
    for (let step = 0; step < 5000; step++) {
      seed = (seed * 48_271) % 0x7fff_ffff;
      const key = keys[seed % keys.length]!;
      if (inside.delete(key)) index.remove(key);
      else {
        inside.add(key);
        index.add(key);
      }
      const probe = keys[(seed >> 8) % keys.length]!;
      assert.equal(index.find(probe.credential.identityHash, 0), inside.has(probe) ? probe : undefined);
    }
    for (const key of keys) assert.equal(index.find(key.credential.identityHash, 0), inside.has(key) ? key : undefined);
    index.remove(keyOf(1000));
  });
});
