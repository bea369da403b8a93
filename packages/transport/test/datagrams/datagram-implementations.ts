import { chooseAeadBackend, type NativeDatagrams } from "@shadowfleet/aead-native";
import type { DatagramSocket, DatagramSocketOptions } from "../../src/datagrams/datagram-socket.ts";
import { createFfiDatagrams } from "../../src/datagrams/ffi-datagrams.ts";
import { NativeDatagramSocket } from "../../src/datagrams/native-datagram-socket.ts";
import { NodeDatagramSocket } from "../../src/datagrams/node-datagram-socket.ts";

const { sockets } = chooseAeadBackend(process.env, process.env.SHADOWFLEET_TEST_ADDON);

export interface DatagramImplementation {
  readonly name: string;
  readonly open: <Owner>(options: DatagramSocketOptions<Owner>) => DatagramSocket<Owner>;
}

const NODE: DatagramImplementation = { name: "node:dgram", open: (options) => new NodeDatagramSocket(options) };

const on = (name: string, datagrams: NativeDatagrams | undefined): DatagramImplementation[] =>
  datagrams === undefined ? [] : [{ name, open: (options) => new NativeDatagramSocket(datagrams, options) }];

/** All that can serve here: the native one where the accelerator is built. */
export const IMPLEMENTATIONS: readonly DatagramImplementation[] = [NODE, ...on("node:ffi", createFfiDatagrams()), ...on("native", sockets)];
