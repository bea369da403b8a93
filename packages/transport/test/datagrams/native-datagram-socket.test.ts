import assert from "node:assert/strict";
import { test } from "node:test";
import type { DatagramSocketOptions } from "../../src/datagrams/datagram-socket.ts";
import { NativeDatagramSocket } from "../../src/datagrams/native-datagram-socket.ts";
import { systemCode } from "../../src/system-code.ts";
import { FakeDatagrams } from "./fake-datagrams.ts";

const HOST = "192.0.2.1";
const EAGAIN = -11;
const EPERM = -1;

function open(native: FakeDatagrams, overrides: Partial<DatagramSocketOptions<string>> = {}) {
  const told: string[] = [];
  const socket = new NativeDatagramSocket<string>(native, {
    family: 4,
    host: "127.0.0.1",
    port: 53,
    ipv6Only: false,
    receiveBufferBytes: 0,
    onDatagram: (datagram, host, port) => told.push(`${datagram} from ${host} ${port}`),
    onSent: (owner) => told.push(`${owner} sent`),
    onSendFailed: (owner, error) => told.push(`${owner} failed ${systemCode(error)}`),
    onError: (error) => told.push(`error ${systemCode(error)}`),
    ...overrides,
  });
  const send = (text: string): void => socket.send(Buffer.from(text), HOST, 7, text, text.length);
  return { socket, told, send };
}

const texts = (native: FakeDatagrams): string[] => native.departed.map(({ text }) => text);

test("outside of a turn a datagram leaves at once, within one all leave together at its end", () => {
  const native = new FakeDatagrams();
  const leftDuring: number[] = [];
  const { send } = open(native, {
    onDatagram: (datagram) => {
      send(`re: ${datagram}`);
      leftDuring.push(native.departed.length);
    },
  });
  send("alone");
  assert.deepEqual(native.departed, [{ socket: 0, text: "alone", to: `${HOST} 7` }]);
  native.arrive(0, ["a", HOST, 1], ["b", HOST, 2]);
  assert.deepEqual(leftDuring, [1, 1]);
  assert.deepEqual(texts(native), ["alone", "re: a", "re: b"]);
});

test("a turn that sends more than the memory holds loses nothing and keeps the order", () => {
  const native = new FakeDatagrams();
  const { send, told } = open(native, { onDatagram: () => Array.from({ length: 30 }, (_, i) => send(String(i))) });
  native.arrive(0, ["go", HOST, 1]);
  const all = Array.from({ length: 30 }, (_, i) => String(i));
  assert.deepEqual(texts(native), all);
  assert.deepEqual(
    told,
    all.map((text) => `${text} sent`),
  );
});

test("what there is no room for waits, in order, until there is", () => {
  const native = new FakeDatagrams();
  const { send, told } = open(native);
  native.fate = () => EAGAIN;
  for (const text of ["a", "b", "c"]) send(text);
  assert.deepEqual([told, native.calls.slice(-1)], [[], ["await room 0"]]);
  native.fate = ({ text }) => (text === "a" ? undefined : EAGAIN);
  native.tell(0, 0);
  assert.deepEqual([told, native.calls.slice(-2)], [["a sent"], ["have room 0", "await room 0"]]);
  native.fate = () => undefined;
  send("d");
  native.tell(0, 0);
  assert.deepEqual(texts(native), ["a", "b", "c", "d"]);
  assert.deepEqual(told, ["a sent", "b sent", "c sent", "d sent"]);
  assert.equal(native.calls.at(-1), "have room 0");
});

test("what waits is bounded by count and by bytes, and given up at the end", () => {
  const native = new FakeDatagrams();
  native.fate = () => EAGAIN;
  const many = open(native);
  for (let i = 0; i < 600; i++) many.send("x");
  assert.deepEqual(many.told, new Array(88).fill("x failed "), "512 of 600");
  many.socket.close();
  assert.equal(many.told.length, 600);
  const large = open(native);
  for (let i = 0; i < 20; i++) large.socket.send(Buffer.alloc(60_000), HOST, 7, "x", 1);
  assert.equal(large.told.length, 3, "1 MiB holds 17 datagrams of 60,000 bytes");
});

test("a datagram that fails costs itself only, and its owner is told why", () => {
  const native = new FakeDatagrams();
  native.fate = ({ text }) => (text === "b" ? EPERM : undefined);
  const { told } = open(native, { onDatagram: () => ["a", "b", "c"].map((text) => sendAll(text)) });
  const sendAll = (text: string): void => sender.send(text);
  const sender = open(native);
  native.arrive(0, ["go", HOST, 1]);
  assert.deepEqual([told, sender.told], [[], ["a sent", "b failed EPERM", "c sent"]]);
});

test("what is sent while outcomes are told leaves after them", () => {
  const native = new FakeDatagrams();
  const second = open(native);
  const first = open(native, { onSent: (owner) => second.send(`after ${owner}`) });
  first.send("a");
  assert.deepEqual(texts(native), ["a", "after a"]);
  assert.deepEqual(second.told, ["after a sent"]);
});

test("a handler that throws keeps nothing from leaving", () => {
  const native = new FakeDatagrams();
  const { send, told } = open(native, {
    onDatagram: (datagram) => {
      send(String(datagram));
      throw new Error("a bug");
    },
  });
  assert.throws(() => native.arrive(0, ["a", HOST, 1]), /a bug/);
  send("b");
  assert.deepEqual(
    [texts(native), told],
    [
      ["a", "b"],
      ["a sent", "b sent"],
    ].map((list) => [...list]),
  );
});

test("errors of the socket are told while it is open", () => {
  const native = new FakeDatagrams();
  const { socket, told } = open(native);
  native.tell(0, -111);
  assert.deepEqual(told, ["error ECONNREFUSED"]);
  socket.close();
  native.tell(0, -111);
  native.arrive(0, ["late", HOST, 1]);
  assert.deepEqual([told.length, native.calls.at(-1)], [1, "close 0"]);
});

test("an address is made into text once, and what is no address is refused", () => {
  const native = new FakeDatagrams();
  const { socket, told } = open(native);
  native.calls.length = 0;
  for (let i = 0; i < 5; i++) native.arrive(0, ["x", "198.51.100.7", i], ["y", "198.51.100.8", i]);
  assert.equal(native.calls.filter((call) => call === "host").length, 2, "the two senders");
  assert.deepEqual(told.slice(0, 2), ["x from 198.51.100.7 0", "y from 198.51.100.8 0"]);
  socket.send(Buffer.alloc(1), "example.com", 7, "name", 1);
  assert.equal(told.at(-1), "name failed EINVAL");
});

test("more senders and targets than are remembered get their own addresses still", () => {
  const native = new FakeDatagrams();
  const heard: string[] = [];
  const { socket } = open(native, { onDatagram: (_datagram, host) => heard.push(host) });
  const hosts = Array.from({ length: 5_000 }, (_, i) => `10.0.${i >> 8}.${i & 0xff}`);
  for (const host of hosts) {
    native.arrive(0, ["x", host, 1]);
    socket.send(Buffer.alloc(1), host, 7, "x", 1);
  }
  assert.deepEqual(heard, hosts);
  assert.deepEqual(
    native.departed.map(({ to }) => to),
    hosts.map((host) => `${host} 7`),
  );
});
