import type net from "node:net";
import { nativeSockets } from "@shadowfleet/aead-native";
import { connectByEvents, takeAccepted, WRITABLE_HIGH_WATER_BYTES } from "./event-socket.ts";
import { HandleSocket, handleApi, type TcpHandle } from "./handle-socket.ts";
import type { ListeningServer } from "./listen-socket.ts";
import { NativeServer } from "./native-server.ts";
import { NativeSocket } from "./native-socket.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";
import { streamTurns } from "./stream-turns.ts";
import { systemError } from "./system-error.ts";

/** "native": on the addon. "shared": on libuv's handles, where reads land in the process-wide buffer too. "events": public sockets and their 'data' events, slower, for a Node whose handles have moved. */
export type ReadMode = "native" | "shared" | "events";

/** The listening handle behind `net.Server`, as far as it is used. */
interface ListenHandle {
  onconnection?: (status: number, client: TcpHandle | undefined) => void;
}

/** The best there is. */
export function bestReadMode(): ReadMode {
  return nativeSockets() ? "native" : handleApi ? "shared" : "events";
}

/** A socket that is connecting to a literal address and will not read until resumed. Its owner hears `handleConnect`. */
export function connectSocket(owner: SocketOwner, address: string, port: number, wanted: ReadMode = bestReadMode()): OwnedSocket {
  const turns = wanted === "native" ? streamTurns() : undefined;
  if (turns) return NativeSocket.connect(turns, owner, address, port);
  return wanted !== "events" ? HandleSocket.connect(owner, address, port) : connectByEvents(owner, address, port);
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
  server: ListeningServer,
  wanted: ReadMode,
  accept: (socket: OwnedSocket) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): ReadMode {
  if (server instanceof NativeServer) {
    server.onSocket = accept;
    server.onError = fail;
    return "native";
  }
  return acceptFromNode(server as net.Server, wanted, accept, fail);
}

function acceptFromNode(
  server: net.Server,
  wanted: ReadMode,
  accept: (socket: OwnedSocket) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): ReadMode {
  const handle = (server as unknown as { _handle?: ListenHandle | null })._handle;
  server.on("error", fail);
  if (wanted !== "events" && handleApi && typeof handle?.onconnection === "function") {
    handle.onconnection = (status, client) => {
      if (client === undefined || status !== 0) fail(systemError("accept", status));
      else accept(new HandleSocket(client));
    };
    return "shared";
  }
  server.on("connection", (socket) => takeAccepted(socket, accept));
  return "events";
}
