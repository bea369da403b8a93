import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SessionTable, type TableSession } from "../../src/sip022/session-table.ts";

const START = 1_700_000_000;

const session = (n: number, lastSeenSeconds: number): TableSession => ({ clientSessionId: `${n}`, lastSeenSeconds, released: false });

describe("SessionTable", () => {
  it("never holds more than its capacity", () => {
    const table = new SessionTable<TableSession>(50);
    for (let n = 0; n < 500; n += 1) {
      table.add(session(n, START + n), START + n);
      assert.equal(table.get(`${n}`)?.lastSeenSeconds, START + n);
      assert.ok(table.size <= 50);
    }
    assert.equal(table.size, 50);
  });

  it("works with a capacity of one", () => {
    const table = new SessionTable<TableSession>(1);
    table.add(session(1, START), START);
    table.add(session(2, START), START);
    assert.equal(table.size, 1);
    assert.ok(table.get("2"));
  });

  it("drops released sessions once they are stale, as others come", () => {
    const table = new SessionTable<TableSession>(10_000);
    for (let n = 0; n < 1000; n += 1) table.add({ ...session(n, START), released: true }, START);
    for (let n = 1000; n < 1200; n += 1) table.add(session(n, START + 61), START + 61);
    assert.equal(table.size, 200);
  });

  it("keeps released sessions that are not stale, and live ones however stale", () => {
    const table = new SessionTable<TableSession>(10_000);
    for (let n = 0; n < 100; n += 1) table.add({ ...session(n, START), released: n % 2 === 0 }, START);
    for (let n = 100; n < 200; n += 1) table.add(session(n, START + 60), START + 60);
    assert.equal(table.size, 200);
    for (let n = 200; n < 300; n += 1) table.add(session(n, START + 3600), START + 3600);
    assert.equal(table.size, 250);
    for (let n = 1; n < 100; n += 2) assert.ok(table.get(`${n}`), "live");
  });
});
