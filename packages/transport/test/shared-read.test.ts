import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import test, { type TestContext } from "node:test";
import { handleApi } from "../src/handle-socket.ts";
import type { ListeningServer } from "../src/listen-socket.ts";
import { NativeServer } from "../src/native-server.ts";
import type { OwnedSocket, SocketOwner } from "../src/owned-socket.ts";
import { sharedReadBuffer } from "../src/read-buffer.ts";
import { acceptSockets, connectSocket, type ReadMode, SERVER_OPTIONS } from "../src/shared-read.ts";
import { streamTurns } from "../src/stream-turns.ts";
import { after, closedPort, LOOPBACK, peer, plainServer, until } from "./loopback.ts";
import { READ_MODES } from "./read-modes.ts";

class NotingOwner implements SocketOwner {
  readonly events: string[] = [];
  readonly sources = new Set<ArrayBufferLike>();
  text = "";

  handleData(src: Buffer, start: number, end: number): void {
    this.text += src.toString("latin1", start, end);
    this.sources.add(src.buffer);
  }
  handleConnect = (): void => void this.events.push("connect");
  handleEnd = (): void => void this.events.push("end");
  handleDrain = (): void => void this.events.push("drain");
  handleError = (error: NodeJS.ErrnoException): void => void this.events.push(`error ${error.code}`);
  handleClose = (): void => void this.events.push("close");
}

interface Accepting {
  readonly mode: ReadMode;
  readonly server: ListeningServer;
  readonly port: number;
  readonly sockets: OwnedSocket[];
  readonly owners: NotingOwner[];
  readonly failures: string[];
}

async function accepting(t: TestContext, wanted: ReadMode, alter: (server: net.Server) => void = () => {}): Promise<Accepting> {
  const server = wanted === "native" ? nativeServer() : net.createServer(SERVER_OPTIONS);
  if (server instanceof net.Server) {
    server.listen(0, LOOPBACK);
    await once(server, "listening");
  }
  const { port } = server.address() as net.AddressInfo;
  if (server instanceof net.Server) alter(server);
  const sockets: OwnedSocket[] = [];
  const owners: NotingOwner[] = [];
  const failures: string[] = [];
  const accept = (socket: OwnedSocket): void => {
    const owner = new NotingOwner();
    socket.owner = owner;
    sockets.push(socket);
    owners.push(owner);
  };
  const mode = acceptSockets(server, wanted, accept, (error) => failures.push(error.code ?? ""));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { mode, server, port, sockets, owners, failures };
}

function nativeServer(): NativeServer {
  const turns = streamTurns();
  assert.ok(turns);
  return new NativeServer(turns, LOOPBACK, 0, false, 100);
}

const listenHandle = (server: ListeningServer) =>
  (server as unknown as { _handle: { onconnection?: (...args: unknown[]) => void } })._handle;

test("this Node has the accept hook, and reads of all sockets land in the one buffer", { timeout: 5_000 }, async (t) => {
  const { mode, port, sockets, owners } = await accepting(t, "shared");
  assert.equal(mode, "shared");
  for (const text of ["one", "two"]) {
    const far = await peer(t, port);
    far.write(text);
  }
  await until(() => sockets.length === 2);
  for (const socket of sockets) socket.resume();
  await until(() => owners.every(({ text }) => text.length === 3));
  assert.deepEqual(owners.map(({ text }) => text).sort(), ["one", "two"]);
  for (const { sources } of owners) assert.deepEqual([...sources], [sharedReadBuffer().buffer]);
});

test("a dialled socket reads into the same buffer, and not before it is resumed", { timeout: 5_000 }, async (t) => {
  const { port, accepted } = await plainServer(t);
  const owner = new NotingOwner();
  const socket = connectSocket(owner, LOOPBACK, port);
  t.after(() => socket.destroy());
  (await accepted).write("hello");
  await until(() => owner.events.includes("connect"));
  await after(50);
  assert.equal(owner.text, "");
  socket.resume();
  await until(() => owner.text === "hello");
  assert.deepEqual([...owner.sources], [sharedReadBuffer().buffer]);
});

for (const wanted of READ_MODES) {
  test(`${wanted}: nothing is read before resume, and pause stops it`, { timeout: 5_000 }, async (t) => {
    const { mode, port, sockets, owners } = await accepting(t, wanted);
    assert.equal(mode, wanted);
    const far = await peer(t, port);
    far.write("a");
    await until(() => sockets.length === 1);
    await after(50);
    assert.equal(owners[0]!.text, "");
    sockets[0]!.resume();
    await until(() => owners[0]!.text === "a");
    sockets[0]!.pause();
    far.write("b");
    await after(50);
    assert.equal(owners[0]!.text, "a");
    sockets[0]!.resume();
    await until(() => owners[0]!.text === "ab");
  });

  test(`${wanted}: a write the kernel takes whole is not pending; one it cannot take is followed by exactly one drain`, {
    timeout: 5_000,
  }, async (t) => {
    const { port, sockets, owners } = await accepting(t, wanted);
    const far = await peer(t, port);
    await until(() => sockets.length === 1);
    const socket = sockets[0]!;
    let taken = 0;
    while (socket.write(Buffer.alloc(1000))) {
      assert.equal(socket.writableLength, 0);
      taken += 1;
    }
    assert.ok(taken > 10, `${taken} writes were taken whole`);
    assert.ok(socket.writableLength > 0 && socket.writableLength <= 1000);
    far.resume();
    await until(() => owners[0]!.events.length > 0);
    assert.equal(socket.writableLength, 0);
    await after(20);
    assert.deepEqual(owners[0]!.events, ["drain"]);
  });

  test(`${wanted}: end, error and close reach the owner in order`, { timeout: 5_000 }, async (t) => {
    const { port, sockets, owners } = await accepting(t, wanted);
    const ending = await peer(t, port);
    await until(() => sockets.length === 1);
    const breaking = await peer(t, port);
    await until(() => sockets.length === 2);
    for (const socket of sockets) socket.resume();
    ending.end();
    await until(() => owners[0]!.events.includes("end"));
    sockets[0]!.end();
    breaking.resetAndDestroy();
    await until(() => owners.every(({ events }) => events.includes("close")));
    assert.deepEqual(owners[0]!.events, ["end", "close"]);
    assert.deepEqual(owners[1]!.events, ["error ECONNRESET", "close"]);
  });
}

test("this Node has the handles; a dialled socket by public events does the same", { timeout: 5_000 }, async (t) => {
  assert.ok(handleApi, "process.binding has moved: the data path runs on 'data' events");
  const { port, accepted } = await plainServer(t);
  const owner = new NotingOwner();
  const socket = connectSocket(owner, LOOPBACK, port, "events");
  t.after(() => socket.destroy());
  const far = await accepted;
  far.write("hello");
  await until(() => owner.events.includes("connect"));
  await after(50);
  assert.equal(owner.text, "");
  socket.resume();
  await until(() => owner.text === "hello");
  assert.equal(owner.sources.has(sharedReadBuffer().buffer), false);
  far.end();
  await until(() => owner.events.includes("end"));
  socket.end();
  await until(() => owner.events.includes("close"));
  assert.deepEqual(owner.events, ["connect", "end", "close"]);
});

for (const wanted of READ_MODES) {
  test(`${wanted}: a connect that is refused is told later, once, by its system name`, { timeout: 5_000 }, async () => {
    const owner = new NotingOwner();
    const port = await closedPort();
    connectSocket(owner, LOOPBACK, port, wanted);
    assert.deepEqual(owner.events, []);
    await until(() => owner.events.includes("close"));
    assert.deepEqual(owner.events, ["error ECONNREFUSED", "close"]);
  });
}

test("a server whose handle has no accept hook is served by public events", { timeout: 5_000 }, async (t) => {
  const served = await accepting(t, "shared", (server) => {
    // What a Node that moved its hook would look like: the events still come, through a handle we cannot see.
    const handle = listenHandle(server);
    Object.defineProperty(server, "_handle", {
      value: Object.assign(Object.create(null), { close: () => (handle as unknown as net.Server).close() }),
    });
  });
  assert.equal(served.mode, "events");
  const far = await peer(t, served.port);
  far.write("still here");
  await until(() => served.sockets.length === 1);
  served.sockets[0]!.resume();
  await until(() => served.owners[0]!.text === "still here");
  assert.deepEqual(served.owners[0]!.sources.has(sharedReadBuffer().buffer), false);
});

test("an accept error is reported by its system name and breaks nothing, in both modes", { timeout: 5_000 }, async (t) => {
  for (const wanted of ["shared", "events"] as const) {
    const { server, port, sockets, failures } = await accepting(t, wanted);
    const EMFILE = -24;
    listenHandle(server).onconnection?.(EMFILE);
    assert.deepEqual(failures, ["EMFILE"]);
    await peer(t, port);
    await until(() => sockets.length === 1);
  }
});
