import type { NativeDatagrams } from "./native-datagrams.ts";
import type { NativeStreams } from "./native-streams.ts";

/** The sockets of the accelerator. */
export interface NativeSockets extends NativeDatagrams, NativeStreams {}

let inUse: NativeSockets | undefined;

/** What serves the process's sockets; undefined: Node's own. */
export function nativeSockets(): NativeSockets | undefined {
  return inUse;
}

/** For sockets opened from now on. */
export function useNativeSockets(sockets: NativeSockets | undefined): void {
  inUse = sockets;
}
