import type { ChunkStream } from "@shadowfleet/wire";
import type { NativeFlow } from "./native-flow.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";

/**
 * One TCP connection that reads through the process-wide shared buffer. Handlers are plain properties, set by whoever owns the connection now
 * (handshake first, pump later), because listeners per connection cost memory and time.
 */
export interface Connection {
  /** The peer's address; IPv4 in its own form also on a dual-stack listener. Empty when the peer was gone before it was accepted. */
  readonly remoteHost: string;
  readonly remotePort: number;
  /** Our end's address, asked from the kernel on first use; empty once closed. */
  readonly localHost: string;
  readonly localPort: number;
  /** Bytes src[start, end) arrived. They are valid only during the call: the next read of any connection overwrites them. */
  onData: (src: Buffer, start: number, end: number) => void;
  /** The peer has half-closed; writing still works. */
  onEnd: () => void;
  /** All pending writes are out after `send` returned false. */
  onDrain: () => void;
  /** Exactly once, after which nothing else is called. Undefined: closed by both sides' ends or by us. */
  onClose: (error: Error | undefined) => void;
  /** True from `onEnd` on. */
  readonly ended: boolean;
  readonly closed: boolean;
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  readonly pendingBytes: number;
  /** The far end is a proxy, and this is whom it speaks for: from now on `remoteHost` and `remotePort`. */
  readdress(client: Peer): void;
  /** Starts or goes on reading. A new connection does not read until told. */
  resume(): void;
  pause(): void;
  /** Queues bytes; the buffer belongs to the connection from now on. False: wait for `onDrain` before sending much more. */
  send(data: Buffer): boolean;
  /** Lets what is read go on to the sink without JavaScript, until it ends. Undefined: that cannot be. */
  flowTo?(sink: Connection, chunks: ChunkStream, onCorrupt: () => void): NativeFlow | undefined;
  /** Half-closes after pending writes. */
  end(): void;
  /** Closes now, dropping pending writes, with FIN where the kernel has nothing unread. */
  destroy(): void;
  /** Closes now with RST. */
  reset(): void;
}

/** The far end of a connection, where it is already known. */
export interface Peer {
  readonly host: string;
  readonly port: number;
}

const MAPPED_IPV4_PREFIX = "::ffff:";

function ignore(): void {}

/** `::ffff:192.0.2.1`, as a dual-stack socket names an IPv4 peer, in its own form. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith(MAPPED_IPV4_PREFIX) && address.includes(".") ? address.slice(MAPPED_IPV4_PREFIX.length) : address;
}

/** A connection on such a socket. Takes the socket's ownership. */
export class SocketConnection implements Connection, SocketOwner {
  onData: (src: Buffer, start: number, end: number) => void = ignore;
  onEnd: () => void = ignore;
  onDrain: () => void = ignore;
  onClose: (error: Error | undefined) => void = ignore;
  /** Told once on closing, before `onClose`: for whoever counts connections. */
  onRelease: () => void = ignore;
  ended = false;
  closed = false;
  remoteHost: string;
  remotePort: number;
  readonly #socket: OwnedSocket;
  #error: Error | undefined = undefined;
  #endWanted = false;

  /** `peer`: known from dialling; without it the kernel is asked, now, because it no longer knows when a log line wants it. */
  constructor(socket: OwnedSocket, peer?: Peer) {
    this.#socket = socket;
    this.remoteHost = peer?.host ?? plainAddress(socket.remoteAddress);
    this.remotePort = peer?.port ?? socket.remotePort ?? 0;
    socket.owner = this;
  }

  get localHost(): string {
    return plainAddress(this.#socket.localAddress);
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  get pendingBytes(): number {
    return this.closed ? 0 : this.#socket.writableLength;
  }

  readdress({ host, port }: Peer): void {
    this.remoteHost = host;
    this.remotePort = port;
  }

  resume(): void {
    if (!this.#socket.destroyed) this.#socket.resume();
  }

  pause(): void {
    if (!this.#socket.destroyed) this.#socket.pause();
  }

  send(data: Buffer): boolean {
    return !this.#socket.destroyed && this.#socket.write(data);
  }

  flowTo(sink: Connection, chunks: ChunkStream, onCorrupt: () => void): NativeFlow | undefined {
    return sink instanceof SocketConnection ? this.#socket.flowTo?.(sink.#socket, chunks, onCorrupt) : undefined;
  }

  end(): void {
    if (this.#socket.destroyed) return;
    // A reset is impossible while the kernel owes us a shutdown (see `reset`), so the shutdown is asked for only when it is due at once.
    if (this.#socket.writableLength > 0) this.#endWanted = true;
    else this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    // libuv refuses a reset while a shutdown is under way and Node would then leak the handle. Everything sent is with the kernel by then.
    if (socket.writableEnded && !socket.writableFinished) socket.destroy();
    else socket.resetAndDestroy();
  }

  handleData(src: Buffer, start: number, end: number): void {
    this.onData(src, start, end);
  }

  handleConnect(): void {}

  handleEnd(): void {
    this.ended = true;
    this.onEnd();
  }

  handleDrain(): void {
    if (this.#endWanted) {
      this.#endWanted = false;
      this.#socket.end();
    }
    this.onDrain();
  }

  handleError(error: Error): void {
    this.#error ??= error;
  }

  handleClose(): void {
    if (this.closed) return;
    this.closed = true;
    this.onRelease();
    this.onClose(this.#error);
  }
}
