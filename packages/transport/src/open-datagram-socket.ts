import { nativeSockets } from "@shadowfleet/aead-native";
import type { DatagramSocket, DatagramSocketOptions } from "./datagram-socket.ts";
import { NativeDatagramSocket } from "./native-datagram-socket.ts";
import { NodeDatagramSocket } from "./node-datagram-socket.ts";

/** Opens a socket, a native one where the accelerator is in use. Throws the system's error (EADDRINUSE, EMFILE, EAFNOSUPPORT, …). */
export function openDatagramSocket<Owner>(options: DatagramSocketOptions<Owner>): DatagramSocket<Owner> {
  const native = nativeSockets();
  return native === undefined ? new NodeDatagramSocket(options) : new NativeDatagramSocket(native, options);
}
