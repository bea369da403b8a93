import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import type { TestContext } from "node:test";
import type { Connection } from "../src/connection.ts";
import { bestReadMode, type ReadMode } from "../src/shared-read.ts";
import { listenTcp, type TcpListener, type TcpListenerOptions } from "../src/tcp-listener.ts";

// Sees to it that the best mode is the default.
import "./read-modes.ts";

export const LOOPBACK = "127.0.0.1";

export const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const PATIENCE_MS = 10_000;

/** Waits until `condition` holds; fails after 10 s, naming the condition. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`still not so after ${PATIENCE_MS} ms: ${condition}`);
    await after(5);
  }
}

/** A listener on a free port of 127.0.0.1, closed when the test ends. */
export async function listen(t: TestContext, options: Partial<TcpListenerOptions>): Promise<TcpListener> {
  const listener = await listenTcp({
    host: LOOPBACK,
    port: 0,
    maxConnections: 10_000,
    onConnection: (connection) => connection.destroy(),
    onPauseChange: () => {},
    ...options,
  });
  t.after(() => listener.close());
  return listener;
}

/** A plain Node socket connected to a port, destroyed when the test ends. Errors are left to `error` listeners; none is unhandled. */
export async function peer(t: TestContext, port: number, host = LOOPBACK): Promise<net.Socket> {
  const socket = net.connect({ port, host, allowHalfOpen: true });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** An accepted connection and the plain socket at its other end. */
export async function pair(
  t: TestContext,
  readMode: ReadMode = bestReadMode(),
): Promise<{ connection: Connection; far: net.Socket; listener: TcpListener }> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await listen(t, { readMode, onConnection: accepted.resolve });
  const far = await peer(t, listener.port);
  const connection = await accepted.promise;
  t.after(() => connection.destroy());
  return { connection, far, listener };
}

/** What a connection went through, in order. */
export interface Trace {
  readonly events: string[];
  readonly bytes: number;
  readonly error: NodeJS.ErrnoException | undefined;
}

/** Sets all handlers of a connection to note what happens; equal neighbours are noted once. */
export function record(connection: Connection): Trace {
  const seen: { events: string[]; bytes: number; error: NodeJS.ErrnoException | undefined } = { events: [], bytes: 0, error: undefined };
  const note = (event: string): void => {
    if (event !== "data" || seen.events.at(-1) !== "data") seen.events.push(event);
  };
  connection.onData = (_src, start, end) => {
    seen.bytes += end - start;
    note("data");
  };
  connection.onEnd = () => note("end");
  connection.onDrain = () => note("drain");
  connection.onClose = (error) => {
    seen.error = error;
    note("close");
  };
  return seen;
}

export interface Received {
  readonly bytes: number;
  readonly hash: string;
  readonly ended: boolean;
  readonly error: NodeJS.ErrnoException | undefined;
}

/** Reads a plain socket to its end of stream or its death. */
export function drainSocket(socket: net.Socket): Promise<Received> {
  const hash = createHash("sha256");
  let bytes = 0;
  return new Promise((resolve) => {
    const done = (ended: boolean, error?: NodeJS.ErrnoException): void =>
      resolve({ bytes, hash: bytes === 0 ? "" : hash.copy().digest("hex"), ended, error });
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    socket.once("end", () => done(true));
    socket.once("error", (error) => done(false, error));
    socket.once("close", () => done(false));
    socket.resume();
  });
}

/** A listening socket that accepts and never reads; resolves its sockets through `accepted`. */
export async function plainServer(
  t: TestContext,
  host = LOOPBACK,
): Promise<{ port: number; accepted: Promise<net.Socket>; server: net.Server }> {
  const accepted = Promise.withResolvers<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    accepted.resolve(socket);
  });
  t.after(() => server.close());
  server.listen(0, host);
  await once(server, "listening");
  return { port: (server.address() as net.AddressInfo).port, accepted: accepted.promise, server };
}

/** A port of 127.0.0.1 where nothing listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
