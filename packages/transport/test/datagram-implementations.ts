import { chooseAeadBackend } from "@shadowfleet/aead-native";
import type { DatagramSocket, DatagramSocketOptions } from "../src/datagram-socket.ts";
import { HandleDatagramSocket } from "../src/handle-datagram-socket.ts";
import { NativeDatagramSocket } from "../src/native-datagram-socket.ts";
import { NodeDatagramSocket } from "../src/node-datagram-socket.ts";

const { sockets } = chooseAeadBackend(process.env, process.env.SHADOWFLEET_TEST_ADDON);

export interface DatagramImplementation {
  readonly name: string;
  readonly open: <Owner>(options: DatagramSocketOptions<Owner>) => DatagramSocket<Owner>;
}

const NODE: readonly DatagramImplementation[] = [
  { name: "node:dgram", open: (options) => new NodeDatagramSocket(options) },
  { name: "libuv's handle", open: (options) => new HandleDatagramSocket(options) },
];

/** All that can serve here: the native one where the accelerator is built. */
export const IMPLEMENTATIONS: readonly DatagramImplementation[] =
  sockets === undefined ? NODE : [...NODE, { name: "native", open: (options) => new NativeDatagramSocket(sockets, options) }];
