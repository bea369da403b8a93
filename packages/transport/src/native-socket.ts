import { STREAM_EVENTS } from "@shadowfleet/aead-native";
import type { ChunkStream } from "@shadowfleet/wire";
import { NativeFlow } from "./native-flow.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";
import { sharedReadBuffer } from "./read-buffer.ts";
import type { StreamListener, StreamName, StreamTurns } from "./stream-turns.ts";
import { systemError } from "./system-error.ts";

const ENOTCONN = -107;

/** A TCP socket on the addon, reading into the process-wide buffer. */
export class NativeSocket implements OwnedSocket, StreamListener {
  owner!: SocketOwner;
  destroyed = false;
  writableEnded = false;
  writableFinished = false;
  readonly descriptor: number;
  readonly turns: StreamTurns;
  /** What takes all that is read, while it runs. */
  flow: NativeFlow | undefined;
  /** A flow has written to it, and may have left something pending. */
  isSink = false;
  #peer: StreamName | undefined;
  #reading = false;
  #readEnded = false;
  /** What the kernel has not taken, the first from `#pendingAt` on. */
  #pending: Buffer[] | undefined;
  #pendingAt = 0;
  #error: Error | undefined;

  /** `peer` undefined: not known yet. A negative stream is none. */
  constructor(turns: StreamTurns, stream: number, peer: StreamName | undefined) {
    this.turns = turns;
    this.descriptor = stream;
    this.#peer = peer;
    if (stream >= 0) turns.add(stream, this);
  }

  /** Begins to connect to a literal address. Whatever comes of it is told to the owner later, never before this returns. */
  static connect(turns: StreamTurns, owner: SocketOwner, address: string, port: number): NativeSocket {
    const socket = new NativeSocket(turns, turns.native.connectStream(address, port), undefined);
    socket.owner = owner;
    if (socket.descriptor < 0) socket.#close(systemError("connect", socket.descriptor), false);
    return socket;
  }

  get writableLength(): number {
    if (this.destroyed) return 0;
    const ofFlow = this.isSink ? this.turns.native.pendingOf(this.descriptor) : 0;
    return this.#pending === undefined ? ofFlow : this.#pending.reduce((sum, { length }) => sum + length, ofFlow - this.#pendingAt);
  }

  get remoteAddress(): string | undefined {
    return this.#peerName()?.host;
  }

  get remotePort(): number | undefined {
    return this.#peerName()?.port;
  }

  get localAddress(): string | undefined {
    return this.#ownName()?.host;
  }

  get localPort(): number | undefined {
    return this.#ownName()?.port;
  }

  resume(): void {
    if (this.#reading || this.#readEnded || this.destroyed) return;
    this.#reading = true;
    this.#watch();
  }

  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#watch();
  }

  write(data: Buffer): boolean {
    if (this.destroyed || this.writableEnded) return false;
    if (this.#pending !== undefined) {
      this.#pending.push(data);
      return false;
    }
    const written = this.turns.native.writeStream(this.descriptor, data, 0, data.length);
    if (written === data.length) return true;
    if (written < 0) {
      this.#close(systemError("write", written), false);
      return false;
    }
    this.#pending = [data];
    this.#pendingAt = written;
    this.#watch();
    return false;
  }

  end(): void {
    if (this.writableEnded || this.destroyed) return;
    this.writableEnded = true;
    if (this.#pending === undefined) this.#shutDown();
  }

  destroy(): void {
    this.#close(undefined, false);
  }

  resetAndDestroy(): void {
    this.#close(undefined, true);
  }

  onStreamEvent(event: number, value: number): void {
    if (event === STREAM_EVENTS.read) this.#onRead(value);
    else if (event === STREAM_EVENTS.room) this.#onRoom();
    else if (event === STREAM_EVENTS.unwritable) this.#close(systemError("write", value), false);
    else if (event === STREAM_EVENTS.corrupt) this.flow?.corrupted(value);
    else this.#onConnected(value);
  }

  /** Moves what it reads to the sink by the addon from now on. Undefined: that cannot be. */
  flowTo(sink: OwnedSocket, chunks: ChunkStream, onCorrupt: () => void): NativeFlow | undefined {
    return sink instanceof NativeSocket ? NativeFlow.begin(this, sink, chunks, onCorrupt) : undefined;
  }

  /** A flow to it has ended: what it left pending is drained like what was written here. */
  awaitPending(): void {
    if (this.destroyed || this.#pending !== undefined || this.writableLength === 0) return;
    this.#pending = [];
    this.#pendingAt = 0;
    this.#watch();
  }

  onStreamClosed(): void {
    if (this.#error) this.owner.handleError(this.#error);
    this.owner.handleClose();
  }

  #onRead(result: number): void {
    if (result > 0) {
      this.owner.handleData(sharedReadBuffer(), 0, result);
      return;
    }
    this.#reading = false;
    if (result < 0) {
      this.#close(systemError("read", result), false);
      return;
    }
    this.#readEnded = true;
    this.owner.handleEnd();
    if (this.writableFinished) this.destroy();
  }

  #onConnected(status: number): void {
    if (status < 0) this.#close(systemError("connect", status), false);
    else this.owner.handleConnect();
  }

  #onRoom(): void {
    const pending = this.#pending ?? [];
    for (let at = 0; at < pending.length; at++) {
      const data = pending[at] as Buffer;
      const written = this.turns.native.writeStream(this.descriptor, data, this.#pendingAt, data.length);
      if (written < 0) {
        this.#close(systemError("write", written), false);
        return;
      }
      this.#pendingAt += written;
      if (this.#pendingAt < data.length) {
        pending.splice(0, at);
        return;
      }
      this.#pendingAt = 0;
    }
    this.#pending = undefined;
    this.#watch();
    if (this.writableEnded) this.#shutDown();
    if (!this.destroyed) this.owner.handleDrain();
  }

  #shutDown(): void {
    this.writableFinished = true;
    // With nothing more to come either, closing says it.
    if (this.#readEnded) {
      this.destroy();
      return;
    }
    const status = this.turns.native.shutDownStream(this.descriptor);
    if (status < 0 && status !== ENOTCONN) this.#close(systemError("shutdown", status), false);
  }

  #watch(): void {
    this.turns.native.watchStream(this.descriptor, this.#reading, this.#pending !== undefined);
  }

  #close(error: Error | undefined, resets: boolean): void {
    if (this.destroyed) return;
    this.flow?.end();
    this.destroyed = true;
    this.#reading = false;
    this.#pending = undefined;
    this.#error = error;
    this.turns.close(this.descriptor < 0 ? undefined : this.descriptor, this, resets);
  }

  #peerName(): StreamName | undefined {
    if (this.#peer === undefined && !this.destroyed) this.#peer = this.turns.nameOf(this.descriptor, true);
    return this.#peer;
  }

  #ownName(): StreamName | undefined {
    return this.destroyed ? undefined : this.turns.nameOf(this.descriptor, false);
  }
}
