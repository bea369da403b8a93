import net from "node:net";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";

// Sockets by public means alone, for a Node whose handles are out of reach (handle-socket.ts): slower, and otherwise the same.

interface EventSocket extends net.Socket {
  owner: SocketOwner;
  descriptor: number;
}

/** Sends are only ever "all taken by the kernel" or "pending", so that every pending write is followed by exactly one 'drain'. */
export const WRITABLE_HIGH_WATER_BYTES = 1;

function deliver(this: EventSocket, chunk: Buffer): void {
  this.owner.handleData(chunk, 0, chunk.length);
}

function tellConnect(this: EventSocket): void {
  this.owner.handleConnect();
}

function tellEnd(this: EventSocket): void {
  this.owner.handleEnd();
}

function tellDrain(this: EventSocket): void {
  this.owner.handleDrain();
}

function tellError(this: EventSocket, error: Error): void {
  this.owner.handleError(error);
}

function tellClose(this: EventSocket): void {
  this.owner.handleClose();
}

function wire(socket: net.Socket): EventSocket {
  const wired = Object.assign(socket as EventSocket, {
    descriptor: (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1,
  });
  wired.on("end", tellEnd);
  wired.on("drain", tellDrain);
  wired.on("error", tellError);
  wired.on("close", tellClose);
  return wired;
}

/** An accepted socket, to `accept`, which sets its owner at once. */
export function takeAccepted(socket: net.Socket, accept: (socket: OwnedSocket) => void): void {
  const wired = wire(socket);
  accept(wired);
  wired.on("data", deliver);
}

/** Begins to connect to a literal address. */
export function connectByEvents(owner: SocketOwner, address: string, port: number): OwnedSocket {
  const socket = wire(
    new net.Socket({ allowHalfOpen: true, writableHighWaterMark: WRITABLE_HIGH_WATER_BYTES } as net.SocketConstructorOpts),
  );
  socket.owner = owner;
  socket.once("connect", tellConnect);
  socket.setNoDelay(true);
  socket.pause();
  socket.on("data", deliver);
  socket.connect({ host: address, port, autoSelectFamily: false });
  return socket;
}
