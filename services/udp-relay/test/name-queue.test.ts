import assert from "node:assert/strict";
import { test } from "node:test";
import { NameQueue, type WaitingDatagram } from "../src/name-queue.ts";

function queue(): { names: NameQueue; dropped: WaitingDatagram[] } {
  const dropped: WaitingDatagram[] = [];
  return { names: new NameQueue((datagram) => dropped.push(datagram)), dropped };
}

const waiting = (name: string, tag: number, bytes = 1): WaitingDatagram => ({ name, port: 53, payload: Buffer.alloc(bytes, tag) });
const tags = (datagrams: readonly WaitingDatagram[]): (number | undefined)[] => datagrams.map(({ payload }) => payload[0]);

test("gives back what waited for a name, in order, and leaves other names alone", () => {
  const { names, dropped } = queue();
  assert.ok(names.begin("a.example"));
  assert.ok(names.begin("b.example"));
  assert.equal(names.begin("a.example"), false, "one look-up a name");
  for (const [name, tag] of [
    ["a.example", 1],
    ["b.example", 2],
    ["a.example", 3],
  ] as const)
    names.push(waiting(name, tag));
  assert.deepEqual(tags(names.settle("a.example")), [1, 3]);
  assert.deepEqual(tags(names.settle("b.example")), [2]);
  assert.equal(names.size, 0);
  assert.equal(dropped.length, 0);
  assert.ok(names.begin("a.example"), "a settled name can be looked up again");
});

test("the oldest datagram gives way to the newest", () => {
  const { names, dropped } = queue();
  names.begin("slow.example");
  for (let tag = 0; tag < 40; tag++) names.push(waiting("slow.example", tag));
  assert.equal(names.size, 32);
  assert.deepEqual(tags(dropped), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(tags(names.settle("slow.example"))[0], 8);
});

test("large datagrams are bounded by their bytes", () => {
  const { names, dropped } = queue();
  names.begin("slow.example");
  for (let tag = 0; tag < 5; tag++) names.push(waiting("slow.example", tag, 65_507));
  assert.equal(names.size, 4);
  assert.deepEqual(tags(dropped), [0]);
  names.settle("slow.example");
  names.begin("slow.example");
  for (let tag = 0; tag < 4; tag++) names.push(waiting("slow.example", tag, 65_507));
  assert.equal(names.size, 4, "bytes given back by settling count no more");
});

test("a seventeenth name is not looked up while sixteen are, and its datagrams are dropped", () => {
  const { names, dropped } = queue();
  for (let at = 0; at < 16; at++) assert.ok(names.begin(`n${at}.example`));
  assert.equal(names.begin("n16.example"), false);
  names.push(waiting("n16.example", 9));
  assert.deepEqual(tags(dropped), [9]);
  names.settle("n0.example");
  assert.ok(names.begin("n16.example"));
});

test("clear drops and reports everything", () => {
  const { names, dropped } = queue();
  names.begin("a.example");
  names.push(waiting("a.example", 1));
  names.push(waiting("a.example", 2));
  names.clear();
  assert.deepEqual(tags(dropped), [1, 2]);
  assert.deepEqual(names.settle("a.example"), []);
});
