import type { ChunkStream } from "@shadowfleet/wire";
import type { NativeFlow } from "./native-flow.ts";

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

/** A TCP socket wired to its owner, which is set before anything can happen to it. It does not read until resumed. */
export interface OwnedSocket {
  owner: SocketOwner;
  readonly destroyed: boolean;
  /** Bytes of `write` that the kernel has not taken. */
  readonly writableLength: number;
  /** `end` was called. */
  readonly writableEnded: boolean;
  /** The kernel has sent our FIN on its way. */
  readonly writableFinished: boolean;
  /** The kernel's number for it, -1 when it is not known; it hands out the lowest free one, so a new socket's tells how many are in use. */
  readonly descriptor: number;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Lets what it reads go on to the sink without JavaScript, where that can be. */
  flowTo?(sink: OwnedSocket, chunks: ChunkStream, onCorrupt: () => void): NativeFlow | undefined;
  resume(): unknown;
  pause(): unknown;
  /** True: the kernel took all of it. False: some is pending, and `handleDrain` follows once nothing is. */
  write(data: Buffer): boolean;
  end(): unknown;
  destroy(): unknown;
  /** Closes with RST. Not while a shutdown is under way. */
  resetAndDestroy(): unknown;
}
