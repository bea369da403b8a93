import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import { ARRIVAL_WORDS, type DatagramMemory, DEPARTURE_WORDS, type NativeDatagrams, RECEIVED_SLOT } from "../src/native-datagrams.ts";
import { missingCompiler, testAddon } from "./test-addon.ts";

const ROUNDS = Number(process.env.AEAD_FUZZ_ROUNDS ?? 1000);
const LONGEST = 65_507;
const NEITHER = [undefined, null, "1", {}, [], 1n, Symbol("x"), -1, 1.5, Number.NaN, 2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY] as const;

type Call = (...values: unknown[]) => unknown;

interface Bench {
  readonly native: NativeDatagrams;
  readonly memory: DatagramMemory;
  readonly received: Buffer;
  readonly sent: Buffer;
}

let bench: Bench | undefined;
/** What events lead to; each test sets its own. */
let onEvent: (socket: number, count: number) => void = () => {};

function start(): Bench {
  if (bench === undefined) {
    const native = testAddon();
    const memory = native.startDatagrams((socket, count) => onEvent(socket, count));
    bench = { native, memory, received: Buffer.from(memory.received.buffer), sent: Buffer.from(memory.sent.buffer) };
  }
  return bench;
}

/** A socket on 127.0.0.1 and its port. */
function open({ native, memory }: Bench, port = 0, connects = false): readonly [socket: number, port: number] {
  const socket = native.openDatagramSocket("127.0.0.1", port, false, false, false, connects, 1024 * 1024);
  assert.ok(socket >= 0, String(socket));
  return [socket, memory.arrivals[0] as number];
}

/** Puts the n-th departure in its place; the target is 127.0.0.1. */
function depart({ native, memory }: Bench, n: number, socket: number, port: number, offset: number, length: number): void {
  assert.ok(native.parseHost("127.0.0.1"));
  memory.departures.copyWithin(n * DEPARTURE_WORDS, 0, 6);
  memory.departures.set([socket, offset, length, 1], n * DEPARTURE_WORDS + 6);
  memory.departures[n * DEPARTURE_WORDS] = port;
}

describe("the addon's datagrams", { skip: missingCompiler ?? false }, () => {
  it("arrive as they were sent, whatever their length, many to an event", async () => {
    const its = start();
    const { native, memory, received, sent } = its;
    const random = new PseudoRandom(1);
    random.fill(sent);
    const [from, fromPort] = open(its);
    const [to, toPort] = open(its);
    for (let round = 0; round < ROUNDS / 50; round++) {
      const lengths = Array.from({ length: 1 + random.below(20) }, () => random.below(round % 10 === 0 ? 12_000 : 1_500));
      if (round === 0) lengths.splice(0, lengths.length, LONGEST, 0, 1);
      const expected: Buffer[] = [];
      let offset = 0;
      for (const [n, length] of lengths.entries()) {
        depart(its, n, from, toPort, offset, length);
        expected.push(Buffer.from(sent.subarray(offset, offset + length)));
        offset += length;
      }
      const arrived: Buffer[] = [];
      const all = Promise.withResolvers<void>();
      onEvent = (socket, count) => {
        assert.equal(socket, to);
        for (let i = 0; i < count; i++) {
          assert.deepEqual([native.hostOfArrival(i), memory.arrivals[i * ARRIVAL_WORDS]], ["127.0.0.1", fromPort]);
          const length = memory.arrivals[i * ARRIVAL_WORDS + 6] as number;
          arrived.push(Buffer.from(received.subarray(i * RECEIVED_SLOT, i * RECEIVED_SLOT + length)));
        }
        if (arrived.length === expected.length) all.resolve();
      };
      assert.equal(native.sendDatagrams(lengths.length), 0);
      await all.promise;
      assert.equal(Buffer.compare(Buffer.concat(arrived), Buffer.concat(expected)), 0);
      assert.deepEqual(
        arrived.map(({ length }) => length),
        lengths,
      );
    }
    native.closeDatagramSocket(from);
    native.closeDatagramSocket(to);
  });

  it("are sent each by its own socket, and one that fails costs itself only", () => {
    const its = start();
    const { native, memory } = its;
    const sockets = [open(its), open(its), open(its)];
    const [closed] = open(its);
    native.closeDatagramSocket(closed);
    const [[, port]] = sockets as [[number, number]];
    const order = [0, 1, 0, 2, 1, 0, 2];
    for (const [n, i] of order.entries()) depart(its, n, (sockets[i] as [number, number])[0], port, 0, 10);
    depart(its, order.length, closed, port, 0, 10);
    depart(its, order.length + 1, (sockets[1] as [number, number])[0], port, 0, 65_535);
    assert.equal(native.sendDatagrams(order.length + 2), 2);
    const statuses = Array.from({ length: order.length + 2 }, (_, n) => memory.departures[n * DEPARTURE_WORDS + 9]);
    assert.deepEqual(statuses, [...order.map(() => 0), -9, -90]);
    for (const [socket] of sockets) native.closeDatagramSocket(socket);
  });

  it("are not sent at all when one of them is not within the memory", () => {
    const its = start();
    const { native, memory, sent } = its;
    const [socket, port] = open(its);
    onEvent = () => assert.fail("something arrived");
    const wrong: readonly (readonly [offset: number, length: number, port: number])[] = [
      [-1, 10, port],
      [0, -1, port],
      [0, 65_536, port],
      [sent.length - 9, 10, port],
      [sent.length + 1, 0, port],
      [2 ** 31 - 1, 10, port],
      [2 ** 31 - 1, -(2 ** 31), port],
      [0, 10, -1],
      [0, 10, 65_536],
    ];
    for (const [offset, length, to] of wrong) {
      depart(its, 0, socket, port, 0, 10);
      depart(its, 1, socket, to, offset, length);
      assert.throws(() => native.sendDatagrams(2), RangeError, `${offset} ${length} ${to}`);
    }
    depart(its, 0, -1, port, 0, 10);
    assert.equal(native.sendDatagrams(1), 1);
    assert.equal(memory.departures[9], -9);
    native.closeDatagramSocket(socket);
  });

  it("refuses whatever is no socket, number, host or function", () => {
    const its = start();
    const { native } = its;
    const [socket] = open(its);
    for (const value of NEITHER) {
      for (const call of [native.closeDatagramSocket, native.awaitRoom, native.hostOfArrival, native.sendDatagrams] as Call[])
        assert.throws(() => call(value, true), /TypeError|RangeError|Error/, String(value));
      assert.throws(() => (native.startDatagrams as Call)(value));
      assert.throws(() => (native.openDatagramSocket as Call)("127.0.0.1", value, false, false, false, false, 0));
      assert.throws(() => (native.openDatagramSocket as Call)("127.0.0.1", 0, false, false, false, false, value));
      assert.throws(() => (native.openDatagramSocket as Call)(value, 0, false, false, false, false, 0));
      assert.equal((native.parseHost as Call)(value), false);
    }
    for (const number of [socket + 1, 1_000_000]) assert.throws(() => native.closeDatagramSocket(number), RangeError);
    assert.throws(() => native.sendDatagrams(65), RangeError);
    assert.throws(() => native.hostOfArrival(32), RangeError);
    assert.throws(() => native.startDatagrams(() => {}), /have been started/);
    native.closeDatagramSocket(socket);
    assert.throws(() => native.closeDatagramSocket(socket), RangeError);
  });

  it("reads and writes literal addresses, and nothing else", () => {
    const its = start();
    const { native, memory } = its;
    for (const host of ["0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1:0:0:2", "fe80::1%lo", "10.1.2.3"]) {
      assert.ok(native.parseHost(host), host);
      memory.arrivals.set(memory.departures.subarray(0, 6));
      assert.equal(native.hostOfArrival(0), host);
    }
    assert.ok(native.parseHost("::ffff:10.1.2.3"));
    memory.arrivals.set(memory.departures.subarray(0, 6));
    assert.equal(native.hostOfArrival(0), "10.1.2.3");
    for (const host of ["", "localhost", "1.2.3", "1.2.3.4.5", ":::", "1.2.3.4\0", "1.2.3.4 ", "x".repeat(1000), `::1%${"z".repeat(200)}`])
      assert.equal(native.parseHost(host), false, JSON.stringify(host));
  });

  it("come from thousands of sockets, opened and closed in any order", () => {
    const its = start();
    const random = new PseudoRandom(3);
    const sockets = new Set<number>();
    for (let i = 0; i < ROUNDS * 3; i++) {
      if (sockets.size > 0 && random.below(3) === 0) {
        const [...all] = sockets;
        const victim = all[random.below(all.length)] as number;
        its.native.closeDatagramSocket(victim);
        sockets.delete(victim);
      } else if (sockets.size < 300) {
        const [socket] = open(its);
        assert.equal(sockets.has(socket), false);
        sockets.add(socket);
      }
    }
    assert.ok(Math.max(...sockets) < 512, "numbers are used again");
    for (const socket of sockets) its.native.closeDatagramSocket(socket);
  });
});
