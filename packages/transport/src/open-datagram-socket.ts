import { nativeSockets } from "@shadowfleet/aead-native";
import type { DatagramSocket, DatagramSocketOptions } from "./datagram-socket.ts";
import { datagramApi, HandleDatagramSocket } from "./handle-datagram-socket.ts";
import { NativeDatagramSocket } from "./native-datagram-socket.ts";
import { NodeDatagramSocket } from "./node-datagram-socket.ts";

/**
 * Opens a socket: a native one where the accelerator is in use, else one on libuv's handle, or on node:dgram where Node has moved that. Throws the
 * system's error (EADDRINUSE, EMFILE, EAFNOSUPPORT, …).
 */
export function openDatagramSocket<Owner>(options: DatagramSocketOptions<Owner>): DatagramSocket<Owner> {
  const native = nativeSockets();
  if (native !== undefined) return new NativeDatagramSocket(native, options);
  return datagramApi === undefined ? new NodeDatagramSocket(options) : new HandleDatagramSocket(options);
}
