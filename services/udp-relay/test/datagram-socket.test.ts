import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { DatagramSocket, type DatagramSocketOptions, MAX_DATAGRAM_LENGTH } from "../src/datagram-socket.ts";
import { errnoOf } from "../src/socket-failure.ts";
import { bindPeer, until } from "./loopback.ts";

interface Probe {
  readonly socket: DatagramSocket<string>;
  readonly sent: [string, number][];
  readonly failed: [string, string][];
  readonly received: [Buffer, string, number][];
}

function open(t: TestContext, overrides: Partial<DatagramSocketOptions<string>> = {}): Probe {
  const sent: [string, number][] = [];
  const failed: [string, string][] = [];
  const received: [Buffer, string, number][] = [];
  const socket = new DatagramSocket<string>({
    family: 4,
    host: "127.0.0.1",
    port: 0,
    ipv6Only: false,
    receiveBufferBytes: 65_536,
    onDatagram: (datagram, host, port) => received.push([datagram, host, port]),
    onSent: (owner, payloadBytes) => sent.push([owner, payloadBytes]),
    onSendFailed: (owner, error) => failed.push([owner, errnoOf(error)]),
    onError: (error) => assert.fail(error),
    ...overrides,
  });
  t.after(() => socket.close());
  return { socket, sent, failed, received };
}

test("sends and receives every length an IPv4 datagram can have at its ends", async (t) => {
  const peer = await bindPeer(t);
  const { socket, sent, received } = open(t);
  for (const length of [0, 1, MAX_DATAGRAM_LENGTH]) {
    const arrives = once(peer, "message");
    socket.send(Buffer.alloc(length, 7), "127.0.0.1", peer.address().port, "a", length);
    const [datagram] = (await arrives) as [Buffer];
    assert.equal(datagram.length, length);
    peer.send(datagram, socket.port, "127.0.0.1");
  }
  await until(() => received.length === 3);
  assert.deepEqual(
    received.map(([datagram, host, port]) => [datagram.length, host, port]),
    [0, 1, MAX_DATAGRAM_LENGTH].map((length) => [length, "127.0.0.1", peer.address().port]),
  );
  assert.deepEqual(sent, [
    ["a", 0],
    ["a", 1],
    ["a", MAX_DATAGRAM_LENGTH],
  ]);
});

test("says of each datagram whether the kernel took it, in order", async (t) => {
  const peer = await bindPeer(t);
  const { socket, sent, failed } = open(t);
  const { port } = peer.address();
  socket.send(Buffer.alloc(10), "127.0.0.1", port, "first", 1);
  socket.send(Buffer.alloc(MAX_DATAGRAM_LENGTH + 1), "127.0.0.1", port, "too large", 2);
  socket.send(Buffer.alloc(10), "127.0.0.1", port, "second", 3);
  socket.send(Buffer.alloc(10), "127.0.0.1", 0, "nowhere", 4);
  await until(() => sent.length + failed.length === 4);
  assert.deepEqual(sent, [
    ["first", 1],
    ["second", 3],
  ]);
  assert.deepEqual(failed, [
    ["nowhere", ""],
    ["too large", "EMSGSIZE"],
  ]);
});

test("a socket on :: serves IPv4 peers under their plain addresses", async (t) => {
  const peer = await bindPeer(t);
  const { socket, sent, received } = open(t, { family: 6, host: "::" });
  peer.send("hello", socket.port, "127.0.0.1");
  await until(() => received.length === 1);
  assert.deepEqual(received[0]?.slice(1), ["127.0.0.1", peer.address().port]);
  const arrives = once(peer, "message");
  socket.send(Buffer.from("answer"), "127.0.0.1", peer.address().port, "a", 6);
  assert.equal(String((await arrives)[0]), "answer");
  await until(() => sent.length === 1);
});

test("binding a taken port throws the system's error", (t) => {
  const { socket } = open(t);
  assert.throws(() => open(t, { port: socket.port }), { code: "EADDRINUSE" });
});

test("after close nothing is sent or received, and close may be called again", async (t) => {
  const peer = await bindPeer(t);
  const { socket, failed, received } = open(t);
  peer.send("late", socket.port, "127.0.0.1");
  socket.close();
  socket.close();
  socket.send(Buffer.alloc(1), "127.0.0.1", peer.address().port, "a", 1);
  assert.deepEqual(failed, [["a", ""]]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(received.length, 0);
});

test("what the kernel does not take at once is bounded by bytes and by count", (t) => {
  const { socket, failed } = open(t);
  // Outcomes are reported a tick later, so all of these are pending together.
  for (let at = 0; at < 20; at++) socket.send(Buffer.alloc(60_000), "127.0.0.1", socket.port, "large", 1);
  assert.equal(failed.length, 3, "1 MiB holds 17 datagrams of 60,000 bytes");
  const { socket: other, failed: refused } = open(t);
  for (let at = 0; at < 600; at++) other.send(Buffer.alloc(0), "127.0.0.1", other.port, "small", 0);
  assert.equal(refused.length, 88, "512 of 600");
});
