import { nativeSockets } from "@shadowfleet/aead-native";
import type { DatagramSocket, DatagramSocketOptions } from "./datagram-socket.ts";
import { createFfiDatagrams } from "./ffi-datagrams.ts";
import { NativeDatagramSocket } from "./native-datagram-socket.ts";
import { NodeDatagramSocket } from "./node-datagram-socket.ts";

let byFfi: ReturnType<typeof createFfiDatagrams> | null = null;

/** Looked for when the first socket is opened. */
function ffiDatagrams(): ReturnType<typeof createFfiDatagrams> {
  if (byFfi === null) byFfi = createFfiDatagrams();
  return byFfi;
}

/**
 * Opens a socket: on the addon where the accelerator is in use, else by the system calls through `node:ffi`, or on node:dgram where that is missing.
 * Throws the system's error (EADDRINUSE, EMFILE, EAFNOSUPPORT, …).
 */
export function openDatagramSocket<Owner>(options: DatagramSocketOptions<Owner>): DatagramSocket<Owner> {
  const native = nativeSockets() ?? ffiDatagrams();
  return native === undefined ? new NodeDatagramSocket(options) : new NativeDatagramSocket(native, options);
}
