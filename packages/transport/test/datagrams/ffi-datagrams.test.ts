import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { promisify } from "node:util";
import { DEPARTURE_WORDS } from "@shadowfleet/aead-native";
import { formatHostWords, parseHostWords } from "../../src/datagrams/endpoint-words.ts";
import { createFfiDatagrams } from "../../src/datagrams/ffi-datagrams.ts";
import { NativeDatagramSocket } from "../../src/datagrams/native-datagram-socket.ts";
import { findSocketCalls, type SocketCalls } from "../../src/datagrams/socket-calls.ts";
import { systemCode } from "../../src/system-code.ts";
import { until } from "../loopback.ts";
import { bindPeer } from "./datagram-peer.ts";

const LOOPBACK = "127.0.0.1";
const EPERM = -1;
const EINTR = -4;
const EAGAIN = -11;
const ENOMEM = -12;

/** A socket whose system calls may be answered by the test instead of the kernel: undefined leaves them to the kernel. */
async function openWith(
  t: Parameters<typeof bindPeer>[0],
  instead: Partial<Record<"receive" | "send", (count: number) => number | undefined>>,
) {
  const real = findSocketCalls() as SocketCalls;
  const calls: SocketCalls = {
    ...real,
    receive: (descriptor, messages, count) => instead.receive?.(count) ?? real.receive(descriptor, messages, count),
    send: (descriptor, messages, count) => {
      const answer = instead.send?.(count);
      // More than 0: so many are left to the kernel.
      return answer === undefined || answer > 0 ? real.send(descriptor, messages, answer ?? count) : answer;
    },
  };
  const datagrams = createFfiDatagrams(calls)!;
  const told: string[] = [];
  const heard: string[] = [];
  const peer = await bindPeer(t);
  peer.on("message", (datagram) => heard.push(String(datagram)));
  const { port } = peer.address();
  const socket = new NativeDatagramSocket<string>(datagrams, {
    family: 4,
    host: LOOPBACK,
    port: 0,
    ipv6Only: false,
    receiveBufferBytes: 0,
    onDatagram: (datagram) => {
      told.push(`${datagram}`);
      for (const text of ["a", "b", "c"]) socket.send(Buffer.from(text), LOOPBACK, port, text, 1);
    },
    onSent: (owner) => told.push(`${owner} sent`),
    onSendFailed: (owner, error) => told.push(`${owner} failed ${systemCode(error)}`),
    onError: (error) => told.push(`error ${systemCode(error)}`),
  });
  t.after(() => socket.close());
  /** Makes one turn, in which a, b and c are sent together. */
  const turn = () => peer.send("go", socket.port, LOOPBACK);
  return { datagrams, socket, peer, told, heard, turn };
}

test("what the kernel has no room for leaves, in order, when there is", async (t) => {
  let refusals = 3;
  const { turn, told, heard } = await openWith(t, { send: () => (refusals-- > 0 ? EAGAIN : undefined) });
  turn();
  await until(() => heard.length === 3);
  assert.deepEqual(
    [heard, told],
    [
      ["a", "b", "c"],
      ["go", "a sent", "b sent", "c sent"],
    ],
  );
});

test("an interrupted call is made again, and one that took a part is gone on with", async (t) => {
  const answers = [EINTR, 1, EINTR, 2];
  const counts: number[] = [];
  const { turn, told, heard } = await openWith(t, {
    send: (count) => {
      counts.push(count);
      return answers.shift();
    },
  });
  turn();
  await until(() => heard.length === 3);
  assert.deepEqual(
    [counts, told.slice(1)],
    [
      [3, 3, 2, 2],
      ["a sent", "b sent", "c sent"],
    ],
  );
});

test("a datagram that fails costs itself only", async (t) => {
  const answers = [1, EPERM, 1];
  const { turn, told, heard } = await openWith(t, { send: () => answers.shift() });
  turn();
  await until(() => heard.length === 2);
  assert.deepEqual(
    [heard, told],
    [
      ["a", "c"],
      ["go", "a sent", "b failed EPERM", "c sent"],
    ],
  );
});

test("an error behind the first datagram is told after it", async (t) => {
  const answers = [ENOMEM];
  const { turn, told } = await openWith(t, { receive: () => answers.shift(), send: () => EPERM });
  turn();
  await until(() => told.length === 5);
  assert.deepEqual(told, ["go", "a failed EPERM", "b failed EPERM", "c failed EPERM", "error ENOMEM"]);
});

test("nothing is sent from outside of the memory for it", async (t) => {
  const sent: number[] = [];
  const { datagrams, socket } = await openWith(t, { send: (count) => void sent.push(count) });
  const { departures } = datagrams.startDatagrams(() => {});
  for (const [offset, length] of [
    [-1, 10],
    [0, -1],
    [256 * 1024 - 9, 10],
  ] as const) {
    departures.fill(0, 0, DEPARTURE_WORDS);
    departures.set([socket.number, offset, length], 6);
    assert.throws(() => datagrams.sendDatagrams(1), RangeError);
  }
  assert.deepEqual(sent, []);
});

test("addresses keep their text through the words of an endpoint", () => {
  const words = new Int32Array(5);
  const zones = Object.entries(networkInterfaces()).flatMap(([name, all = []]) =>
    all.flatMap((a) => (a.family === "IPv6" && a.scopeid > 0 ? [name] : [])),
  );
  const literals = [
    "0.0.0.0",
    "127.0.0.1",
    "255.254.253.1",
    "::",
    "::1",
    "2001:db8::ff:0:1",
    "fe80::1%4000000",
    ...zones.map((zone) => `fe80::2%${zone}`),
  ];
  for (const literal of literals) {
    assert.ok(parseHostWords(literal, words, 0), literal);
    assert.equal(formatHostWords(words, 0), literal);
  }
  assert.ok(parseHostWords("::ffff:192.0.2.7", words, 0));
  assert.equal(formatHostWords(words, 0), "192.0.2.7");
  for (const text of ["", "example.com", "1.2.3", "1.2.3.4.5", "::g", "fe80::1%", "fe80::1%no-such-interface"]) {
    assert.equal(parseHostWords(text, words, 0), false, text);
  }
});

test("without node:ffi datagrams go through node:dgram", async (t) => {
  const peer = await bindPeer(t);
  const arrives = once(peer, "message");
  const script = `
    const { openDatagramSocket } = await import(${JSON.stringify(new URL("../../src/index.ts", import.meta.url))});
    const none = () => {};
    const socket = openDatagramSocket({ family: 4, host: "${LOOPBACK}", port: 0, ipv6Only: false, receiveBufferBytes: 0,
      onDatagram: none, onSent: () => socket.close(), onSendFailed: none, onError: none });
    console.log(socket.constructor.name);
    socket.send(Buffer.from("hello"), "${LOOPBACK}", ${peer.address().port}, undefined, 5);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--no-experimental-ffi", "--input-type=module", "-e", script], {
    timeout: 20_000,
  });
  assert.equal(stdout, "NodeDatagramSocket\n");
  assert.equal(String((await arrives)[0]), "hello");
});
