import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { type DatagramSocket, type DatagramSocketOptions, MAX_DATAGRAM_LENGTH } from "../../src/datagrams/datagram-socket.ts";
import { createFfiDatagrams } from "../../src/datagrams/ffi-datagrams.ts";
import { systemCode } from "../../src/system-code.ts";
import { after, until } from "../loopback.ts";
import { IMPLEMENTATIONS } from "./datagram-implementations.ts";
import { bindPeer } from "./datagram-peer.ts";

interface Probe {
  readonly socket: DatagramSocket<string>;
  readonly sent: [string, number][];
  readonly failed: [string, string][];
  readonly received: [Buffer, string, number][];
  readonly errors: string[];
}

test("libuv's handle and node:ffi are where they were", () => {
  assert.ok(createFfiDatagrams(), "one of them has moved: datagrams go through node:dgram");
});

for (const { name, open: openSocket } of IMPLEMENTATIONS) {
  const open = (t: TestContext, overrides: Partial<DatagramSocketOptions<string>> = {}): Probe => {
    const sent: [string, number][] = [];
    const failed: [string, string][] = [];
    const received: [Buffer, string, number][] = [];
    const errors: string[] = [];
    const socket = openSocket<string>({
      family: 4,
      host: "127.0.0.1",
      port: 0,
      ipv6Only: false,
      receiveBufferBytes: 1024 * 1024,
      onDatagram: (datagram, host, port) => received.push([Buffer.from(datagram), host, port]),
      onSent: (owner, payloadBytes) => sent.push([owner, payloadBytes]),
      onSendFailed: (owner, error) => failed.push([owner, systemCode(error)]),
      onError: (error) => errors.push(systemCode(error)),
      ...overrides,
    });
    t.after(() => socket.close());
    return { socket, sent, failed, received, errors };
  };

  describe(`datagram socket on ${name}`, () => {
    test("sends and receives every length an IPv4 datagram can have at its ends", async (t) => {
      const peer = await bindPeer(t);
      const { socket, sent, received } = open(t);
      const lengths = [0, 1, MAX_DATAGRAM_LENGTH];
      for (const length of lengths) {
        const arrives = once(peer, "message");
        socket.send(Buffer.alloc(length, 7), "127.0.0.1", peer.address().port, "a", length);
        const [datagram] = (await arrives) as [Buffer];
        assert.deepEqual(datagram, Buffer.alloc(length, 7));
        peer.send(datagram, socket.port, "127.0.0.1");
        await until(() => received.length === lengths.indexOf(length) + 1);
      }
      const { port } = peer.address();
      assert.deepEqual(
        received,
        lengths.map((length) => [Buffer.alloc(length, 7), "127.0.0.1", port]),
      );
      assert.deepEqual(
        sent,
        lengths.map((length) => ["a", length]),
      );
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
      assert.deepEqual(new Map(failed), new Map(Object.entries({ nowhere: "", "too large": "EMSGSIZE" })));
    });

    test("a burst arrives whole and in order, and what is sent while it is handled leaves in order too", async (t) => {
      const BURST = 200;
      const peer = await bindPeer(t);
      const answers: string[] = [];
      peer.on("message", (datagram) => answers.push(String(datagram)));
      const { socket, sent } = open(t, {
        onDatagram: (datagram, host, port) => socket.send(Buffer.from(datagram), host, port, String(datagram), datagram.length),
      });
      const burst = Array.from({ length: BURST }, (_, i) => String(i));
      for (const text of burst) peer.send(text, socket.port, "127.0.0.1");
      await until(() => answers.length === BURST && sent.length === BURST);
      assert.deepEqual(answers, burst);
      assert.deepEqual(
        sent.map(([owner]) => owner),
        burst,
      );
    });

    test("a socket on :: serves IPv4 and IPv6 peers under their plain addresses", async (t) => {
      const { socket, sent, received } = open(t, { family: 6, host: "::" });
      for (const host of ["127.0.0.1", "::1"] as const) {
        const peer = await bindPeer(t, host);
        received.length = 0;
        peer.send("hello", socket.port, host);
        await until(() => received.length === 1);
        assert.deepEqual(received[0]?.slice(1), [host, peer.address().port]);
        const arrives = once(peer, "message");
        socket.send(Buffer.from("answer"), host, peer.address().port, "a", 6);
        assert.equal(String((await arrives)[0]), "answer");
      }
      await until(() => sent.length === 2);
    });

    test("a socket for IPv6 only leaves the port to IPv4", (t) => {
      const { socket } = open(t, { family: 6, host: "::", ipv6Only: true });
      const { socket: other } = open(t, { host: "0.0.0.0", port: socket.port });
      assert.deepEqual([socket.host, other.host, other.port], ["::", "0.0.0.0", socket.port]);
    });

    test("sockets that share a port divide its datagrams between them", async (t) => {
      const one = open(t, { sharesPort: true });
      const other = open(t, { sharesPort: true, port: one.socket.port });
      for (let i = 0; i < 16; i++) (await bindPeer(t)).send("x", one.socket.port, "127.0.0.1");
      await until(() => one.received.length + other.received.length === 16);
    });

    test("a connected socket hears its peer only, and what the peer's port answers for it", async (t) => {
      const peer = await bindPeer(t);
      const { socket, received, sent } = open(t, { connects: true, port: peer.address().port });
      const stranger = await bindPeer(t);
      stranger.send("stranger", socket.port, "127.0.0.1");
      const arrives = once(peer, "message");
      socket.sendToPeer(Buffer.from("question"), "a", 8);
      assert.equal(String((await arrives)[0]), "question");
      peer.send("answer", socket.port, "127.0.0.1");
      await until(() => received.length > 0 && sent.length === 1);
      assert.deepEqual(
        received.map(([datagram, host, port]) => [String(datagram), host, port]),
        [["answer", "127.0.0.1", peer.address().port]],
      );
    });

    test("a port nobody has is told of, and the socket goes on", async (t) => {
      const gone = open(t);
      const { port } = gone.socket;
      gone.socket.close();
      const { socket, errors, failed, sent, received } = open(t, { connects: true, port });
      socket.sendToPeer(Buffer.from("x"), "refused", 1);
      await until(() => errors.length > 0 || failed.length > 0);
      assert.deepEqual([...errors, ...failed.map(([, code]) => code)], ["ECONNREFUSED"]);
      const back = open(t, { port, connects: false });
      const before = sent.length;
      socket.sendToPeer(Buffer.from("y"), "taken", 1);
      await until(() => sent.length === before + 1 && back.received.length === 1);
      back.socket.send(Buffer.from("z"), "127.0.0.1", socket.port, "a", 1);
      await until(() => received.length === 1);
    });

    test("what cannot be opened throws the system's error", (t) => {
      const { socket } = open(t);
      assert.throws(() => open(t, { port: socket.port }), { code: "EADDRINUSE" });
      assert.throws(() => open(t, { host: "192.0.2.1" }), { code: "EADDRNOTAVAIL" });
    });

    test("an address of the other family costs that datagram only", async (t) => {
      const peer = await bindPeer(t);
      const { socket, sent, failed } = open(t);
      socket.send(Buffer.alloc(1), "::1", peer.address().port, "other family", 1);
      const arrives = once(peer, "message");
      socket.send(Buffer.alloc(1), "127.0.0.1", peer.address().port, "own", 1);
      await arrives;
      await until(() => sent.length + failed.length === 2);
      assert.deepEqual([sent, failed.map(([owner]) => owner)], [[["own", 1]], ["other family"]]);
    });

    test("after close nothing is sent or received, and close may be called again", async (t) => {
      const peer = await bindPeer(t);
      const { socket, failed, received } = open(t);
      peer.send("late", socket.port, "127.0.0.1");
      socket.close();
      socket.close();
      socket.send(Buffer.alloc(1), "127.0.0.1", peer.address().port, "a", 1);
      socket.sendToPeer(Buffer.alloc(1), "b", 1);
      assert.deepEqual(failed, [
        ["a", ""],
        ["b", ""],
      ]);
      await after(20);
      assert.equal(received.length, 0);
    });

    test("a socket closed by one datagram of a burst hears none of the others, and frees its port at once", async (t) => {
      const peer = await bindPeer(t);
      let heard = 0;
      const { socket } = open(t, {
        onDatagram: () => {
          heard += 1;
          socket.close();
          open(t, { port: socket.port });
        },
      });
      for (let i = 0; i < 10; i++) peer.send("x", socket.port, "127.0.0.1");
      await until(() => heard > 0);
      await after(20);
      assert.equal(heard, 1);
    });

    test("what is sent just before close leaves", async (t) => {
      const peer = await bindPeer(t);
      const { socket, sent } = open(t);
      const arrives = once(peer, "message");
      socket.send(Buffer.from("last words"), "127.0.0.1", peer.address().port, "a", 10);
      socket.close();
      assert.equal(String((await arrives)[0]), "last words");
      await until(() => sent.length === 1);
    });
  });
}
