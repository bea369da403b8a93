import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findMethod } from "@shadowfleet/wire";
import { AccessKeyTable } from "../src/access-key-table.ts";
import { sampleKey, samplePort } from "./sample-ports.ts";

describe("AccessKeyTable", () => {
  test("tells what is added, changed and removed", () => {
    const table = new AccessKeyTable();
    const first = table.apply([samplePort(1, [sampleKey("a"), sampleKey("b")]), samplePort(2, [sampleKey("c")])]);
    assert.deepEqual(first, { added: ["a", "b", "c"], removed: [], changed: [] });
    assert.equal(table.size, 3);
    const second = table.apply([samplePort(1, [sampleKey("a"), sampleKey("b", "new secret")]), samplePort(3, [sampleKey("d")])]);
    assert.deepEqual(second, { added: ["d"], removed: ["c"], changed: ["b"] });
    assert.equal(table.portKeys(2), undefined);
    assert.equal(table.key("c"), undefined);
    assert.deepEqual(
      table.portKeys(1)?.keys.map(({ id }) => id),
      ["a", "b"],
    );
  });

  test("an equal configuration changes nothing, down to the objects", () => {
    const table = new AccessKeyTable();
    const ports = () => [samplePort(1, [sampleKey("a"), sampleKey("b")]), samplePort(2, [sampleKey("c")])];
    table.apply(ports());
    const before = [table.portKeys(1), table.portKeys(2), table.key("a")];
    assert.deepEqual(table.apply(ports()), { added: [], removed: [], changed: [] });
    assert.deepEqual([table.portKeys(1), table.portKeys(2), table.key("a")], before);
    assert.equal(table.portKeys(1), before[0]);
    assert.equal(table.key("a"), before[2]);
  });

  test("a change on one port leaves the keys of another alone", () => {
    const table = new AccessKeyTable();
    table.apply([samplePort(1, [sampleKey("a")]), samplePort(2, [sampleKey("b")])]);
    const other = table.portKeys(2);
    table.apply([samplePort(1, [sampleKey("a", "changed")]), samplePort(2, [sampleKey("b")])]);
    assert.equal(table.portKeys(2), other);
    assert.equal(table.portKeys(1)?.keys[0], table.key("a"));
  });

  test("meters go by key id and port: across secrets and names, and while the key is away", () => {
    const table = new AccessKeyTable();
    table.apply([samplePort(1, [sampleKey("a")])]);
    const meter = table.key("a")!.meter;
    meter.tcp.up += 10;
    meter.udp.down += 5;
    table.apply([samplePort(1, [sampleKey("a", "other secret")])]);
    assert.equal(table.key("a")?.meter, meter);
    table.apply([samplePort(2, [sampleKey("a", "other secret")])]);
    assert.notEqual(table.key("a")?.meter, meter);
    table.apply([samplePort(2, [sampleKey("z")])]);
    assert.deepEqual(table.ledger.total("tcp"), { up: 10, down: 0 });
    table.apply([samplePort(1, [sampleKey("a")])]);
    assert.equal(table.key("a")?.meter, meter);
    assert.deepEqual(table.ledger.total("udp"), { up: 0, down: 5 });
  });

  test("a key that moves, or gets another name or method, is changed", () => {
    const table = new AccessKeyTable();
    table.apply([samplePort(1, [sampleKey("a")])]);
    assert.deepEqual(table.apply([samplePort(2, [sampleKey("a")])]).changed, ["a"]);
    assert.equal(table.key("a")?.port, 2);
    assert.deepEqual(table.apply([samplePort(2, [{ ...sampleKey("a"), name: "Alice" }])]).changed, ["a"]);
    assert.deepEqual(table.apply([samplePort(2, [{ ...sampleKey("a", "a", "aes-256-gcm"), name: "Alice" }])]).changed, ["a"]);
    assert.equal(table.portKeys(2)?.method.name, "aes-256-gcm");
  });

  test("another identity key alone makes another ring", () => {
    const method = "2022-blake3-aes-128-gcm";
    const table = new AccessKeyTable();
    const port = (fill: number) => [samplePort(1, [sampleKey("a", "a", method)], { identityKey: Buffer.alloc(16, fill) })];
    table.apply(port(1));
    const before = table.portKeys(1);
    table.apply(port(1));
    assert.equal(table.portKeys(1), before);
    table.apply(port(2));
    assert.notEqual(table.portKeys(1), before);
    assert.deepEqual(table.portKeys(1)?.ringFor("192.0.2.1").identityKey, Buffer.alloc(16, 2));
  });

  test("changes some ports and leaves the others alone, a key that moves between them included", () => {
    const table = new AccessKeyTable();
    table.apply([samplePort(1, [sampleKey("a"), sampleKey("b")]), samplePort(2, [sampleKey("c")]), samplePort(3, [sampleKey("d")])]);
    const untouched = [table.portKeys(2), table.key("c")];
    const served = [samplePort(1, [sampleKey("b"), sampleKey("d"), sampleKey("e")])];
    const changes = table.change({ served, patches: [], gone: [3] });
    assert.deepEqual(changes, { added: ["e"], removed: ["a"], changed: ["d"] });
    assert.deepEqual([table.portKeys(3), table.key("a"), table.key("d")?.port, table.size], [undefined, undefined, 1, 4]);
    assert.deepEqual([table.portKeys(2), table.key("c")], untouched);
    assert.equal(table.portKeys(2), untouched[0]);
  });

  test("a port without keys listens under its method and knows nobody", () => {
    const table = new AccessKeyTable();
    for (const name of ["chacha20-ietf-poly1305", "2022-blake3-aes-128-gcm", "2022-blake3-chacha20-poly1305", "aes-256-cfb"]) {
      table.apply([samplePort(1, [], { method: findMethod(name)! })]);
      const keys = table.portKeys(1)!;
      assert.equal(keys.method.name, name);
      const ring = keys.ringFor("192.0.2.1");
      assert.deepEqual([[...ring.candidates()], ring.single, ring.byIdentity(Buffer.alloc(16), 0)], [[], undefined, undefined]);
    }
  });

  test("a secret being rotated out is in force beside the current one, and notes its uses", () => {
    const table = new AccessKeyTable();
    const old = sampleKey("a", "old");
    const rotating = { ...sampleKey("a", "new"), previousCredential: old.credential };
    table.apply([samplePort(1, [old])]);
    const before = table.key("a")!;
    assert.deepEqual(table.apply([samplePort(1, [rotating])]).changed, ["a"]);
    const current = table.key("a")!;
    assert.deepEqual([current.previous?.id, current.previous?.meter === current.meter, before.meter === current.meter], ["a", true, true]);
    assert.deepEqual(
      [before, current, current.previous!].map((key) => table.isInForce(key)),
      [true, true, true],
    );
    assert.deepEqual(table.apply([samplePort(1, [{ ...rotating }])]).changed, [], "an equal rotation changes nothing");
    table.noteOpened(current, 1000);
    assert.deepEqual([...table.previousSecretUses], []);
    table.noteOpened(current.previous!, 2000);
    assert.deepEqual([...table.previousSecretUses], [["a", 2000]]);
    table.apply([samplePort(1, [sampleKey("a", "new")])]);
    assert.deepEqual(
      [before, current, current.previous!].map((key) => table.isInForce(key)),
      [false, true, false],
    );
    table.apply([samplePort(2, [sampleKey("a", "new")])]);
    assert.equal(table.isInForce(current), false, "on another port it is another thing");
  });
});

test("a key's limiter stays the same through other secrets, names and limits; a key without limits has none", () => {
  const table = new AccessKeyTable();
  const apply = (key: Parameters<typeof samplePort>[1][number]) => table.apply([samplePort(1, [key])]);
  apply(sampleKey("alice"));
  assert.equal(table.key("alice")?.limiter, undefined);
  assert.deepEqual(apply({ ...sampleKey("alice"), limits: { maxSessions: 3 } }).changed, ["alice"]);
  const limiter = table.key("alice")?.limiter;
  assert.deepEqual(limiter?.limits, { maxSessions: 3 });
  assert.deepEqual(apply({ ...sampleKey("alice"), limits: { maxSessions: 4 } }).changed, [], "in force without it");
  assert.deepEqual(limiter?.limits, { maxSessions: 4 });
  apply({ ...sampleKey("alice", "another secret"), limits: { maxSessions: 4 } });
  assert.equal(table.key("alice")?.limiter, limiter);
  assert.deepEqual(apply(sampleKey("alice", "another secret")).changed, ["alice"]);
  assert.equal(table.key("alice")?.limiter, undefined);
  assert.equal(limiter?.limits, undefined);
});
