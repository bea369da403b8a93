import type net from "node:net";
import { getSystemErrorName } from "node:util";
import { connectByEvents, takeAccepted, WRITABLE_HIGH_WATER_BYTES } from "./event-socket.ts";
import { HandleSocket, handleApi, type TcpHandle } from "./handle-socket.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";

/** "shared": reads land in the process-wide buffer. "events": public sockets and their 'data' events, slower, for a Node whose handles have moved. */
export type ReadMode = "shared" | "events";

/** The listening handle behind `net.Server`, as far as it is used. */
interface ListenHandle {
  onconnection?: (status: number, client: TcpHandle | undefined) => void;
}

/** A socket that is connecting to a literal address and will not read until resumed. Its owner hears `handleConnect`. */
export function connectSocket(
  owner: SocketOwner,
  address: string,
  port: number,
  wanted: ReadMode = handleApi ? "shared" : "events",
): OwnedSocket {
  return wanted === "shared" ? HandleSocket.connect(owner, address, port) : connectByEvents(owner, address, port);
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
 * Accept errors (descriptors exhausted) go to `fail` with the system's code; none is thrown. Returns the mode in force: "shared" where handles
 * and the listening handle's accept hook are there, else "events".
 */
export function acceptSockets(
  server: net.Server,
  wanted: ReadMode,
  accept: (socket: OwnedSocket) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): ReadMode {
  const handle = (server as unknown as { _handle?: ListenHandle | null })._handle;
  server.on("error", fail);
  if (wanted === "shared" && handleApi && typeof handle?.onconnection === "function") {
    handle.onconnection = (status, client) => {
      if (client === undefined || status !== 0) fail(acceptError(status));
      else accept(new HandleSocket(client));
    };
    return "shared";
  }
  server.on("connection", (socket) => takeAccepted(socket, accept));
  return "events";
}

function acceptError(status: number): NodeJS.ErrnoException {
  const code = status < 0 ? getSystemErrorName(status) : "UNKNOWN";
  return Object.assign(new Error(`accept ${code}`), { code, errno: status, syscall: "accept" });
}
