import net from "node:net";
import { getSystemErrorName } from "node:util";
import { sharedReadBuffer } from "./read-buffer.ts";

// All the half-documented ground of Node's sockets that this package stands on is in this file: taking an accepted handle at the listener's
// own hook, `manualStart`, and the shared `onread` buffer. test/shared-read.test.ts checks each of these on the Node version in use.

/** Who a socket reports to: an attempt to connect first, a connection later. Called through `socket.owner`, so no closure per socket is needed. */
export interface SocketOwner {
  /** src[start, end) is valid only during the call. */
  handleData(src: Buffer, start: number, end: number): void;
  handleConnect(): void;
  handleEnd(): void;
  handleDrain(): void;
  /** Always followed by `handleClose`. */
  handleError(error: Error): void;
  handleClose(): void;
}

/** A socket wired to its owner. `owner` is set before any event can fire. */
export interface OwnedSocket extends net.Socket {
  owner: SocketOwner;
}

/** "shared": reads land in the process-wide buffer. "events": the public 'data' events, slower, for a Node whose hooks have moved. */
export type ReadMode = "shared" | "events";

/** The listening handle behind `net.Server`, as far as it is used. */
interface ListenHandle {
  onconnection?: (status: number, client: object | undefined) => void;
}

// Sends are only ever "all taken by the kernel" or "pending", so that every pending write is followed by exactly one 'drain'.
const WRITABLE_HIGH_WATER_BYTES = 1;

function deliver(this: OwnedSocket, length: number, buffer: Uint8Array): boolean {
  this.owner.handleData(buffer as Buffer, 0, length);
  return true;
}

function deliverChunk(this: OwnedSocket, chunk: Buffer): void {
  this.owner.handleData(chunk, 0, chunk.length);
}

function tellConnect(this: OwnedSocket): void {
  this.owner.handleConnect();
}

function tellEnd(this: OwnedSocket): void {
  this.owner.handleEnd();
}

function tellDrain(this: OwnedSocket): void {
  this.owner.handleDrain();
}

function tellError(this: OwnedSocket, error: Error): void {
  this.owner.handleError(error);
}

function tellClose(this: OwnedSocket): void {
  this.owner.handleClose();
}

function wire(socket: net.Socket): OwnedSocket {
  const owned = socket as OwnedSocket;
  owned.on("end", tellEnd);
  owned.on("drain", tellDrain);
  owned.on("error", tellError);
  owned.on("close", tellClose);
  return owned;
}

function sharedReadOptions(handle: object | undefined): net.SocketConstructorOpts {
  const options = {
    handle,
    allowHalfOpen: true,
    // Without it an adopted handle would read before anyone listens.
    manualStart: true,
    writableHighWaterMark: WRITABLE_HIGH_WATER_BYTES,
    onread: { buffer: sharedReadBuffer(), callback: deliver },
  };
  return options as unknown as net.SocketConstructorOpts;
}

/** A socket that is not connected yet and will not read until resumed. Its owner hears `handleConnect`. */
export function connectingSocket(owner: SocketOwner): OwnedSocket {
  const socket = wire(new net.Socket(sharedReadOptions(undefined)));
  socket.owner = owner;
  socket.once("connect", tellConnect);
  socket.setNoDelay(true);
  socket.pause();
  return socket;
}

/** Server options that go with `acceptSockets`, whichever mode it ends up in. */
export const SERVER_OPTIONS: net.ServerOpts = {
  allowHalfOpen: true,
  pauseOnConnect: true,
  noDelay: true,
  highWaterMark: WRITABLE_HIGH_WATER_BYTES,
};

/**
 * Routes what a listening server accepts to `accept`, as sockets that do not read until resumed and whose `owner` `accept` must set at once.
 * Accept errors (descriptors exhausted) go to `fail` with the system's code; none is thrown. Returns the mode in force: "shared" where the
 * listening handle has its accept hook, so that only one socket object is built per connection, else "events".
 */
export function acceptSockets(
  server: net.Server,
  wanted: ReadMode,
  accept: (socket: OwnedSocket) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): ReadMode {
  const handle = (server as unknown as { _handle?: ListenHandle | null })._handle;
  server.on("error", fail);
  if (wanted === "shared" && typeof handle?.onconnection === "function") {
    handle.onconnection = (status, client) => {
      if (client === undefined || status !== 0) {
        fail(acceptError(status));
        return;
      }
      const socket = wire(new net.Socket(sharedReadOptions(client)));
      socket.setNoDelay(true);
      accept(socket);
    };
    return "shared";
  }
  server.on("connection", (socket) => {
    const owned = wire(socket);
    accept(owned);
    owned.on("data", deliverChunk);
  });
  return "events";
}

/**
 * The socket's file descriptor, -1 where it is not known. The kernel hands out the lowest free number, so a new socket's tells how many are in
 * use.
 */
export function descriptorOf(socket: net.Socket): number {
  return (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}

function acceptError(status: number): NodeJS.ErrnoException {
  const code = status < 0 ? getSystemErrorName(status) : "UNKNOWN";
  return Object.assign(new Error(`accept ${code}`), { code, errno: status, syscall: "accept" });
}
