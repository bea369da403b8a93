import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";
import { sharedReadBuffer } from "./read-buffer.ts";
import { systemError } from "./system-error.ts";

// Node's own socket classes are streams: two state machines, a dozen listeners and several ticks of the microtask queue for every connection, which
// cost more than the connection itself. What is below them (`process.binding`, documented as deprecated, and unchanged for ten years) is a thin
// cover of libuv, and all this package needs. Whatever is missing there makes `handleApi` undefined, and public sockets serve (event-socket.ts).

interface AddressInfo {
  address?: string;
  port?: number;
}

interface Request {
  oncomplete: (this: this, status: number) => void;
  socket: HandleSocket | undefined;
  /** Keeps the bytes of a pending write from being collected. */
  buffer?: Buffer | undefined;
}

/** `TCP` of tcp_wrap. Numbers returned are 0 or a negative errno. */
export interface TcpHandle {
  readonly fd: number;
  readonly writeQueueSize: number;
  onread: (this: TcpHandle) => void;
  socket: HandleSocket | undefined;
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: Request, data: Buffer): number;
  shutdown(request: Request): number;
  connect(request: Request, address: string, port: number): number;
  connect6(request: Request, address: string, port: number): number;
  setNoDelay(on: boolean): number;
  getpeername(into: AddressInfo): number;
  getsockname(into: AddressInfo): number;
  close(closed: (this: TcpHandle) => void): void;
  reset(closed: (this: TcpHandle) => void): number;
}

interface HandleApi {
  readonly createHandle: () => TcpHandle;
  readonly Write: new () => Request;
  readonly Shutdown: new () => Request;
  readonly Connect: new () => Request;
  /** Where libuv leaves what a call did not return. */
  readonly state: Int32Array;
  readonly readResult: number;
  readonly wroteLater: number;
}

const UV_EOF = -4095;
const UV_ENOTCONN = -107;
/** What `shutdown` returns when it is done already. */
const SHUT_DOWN = 1;

/** Undefined on a Node that has moved it. */
export const handleApi: HandleApi | undefined = findHandleApi();

function findHandleApi(): HandleApi | undefined {
  try {
    const { binding } = process as unknown as { readonly binding: (name: string) => Record<string, unknown> };
    const { TCP, TCPConnectWrap, constants } = binding("tcp_wrap") as {
      readonly TCP: new (type: number) => TcpHandle;
      readonly TCPConnectWrap: new () => Request;
      readonly constants: { readonly SOCKET: number };
    };
    const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = binding("stream_wrap") as {
      readonly WriteWrap: new () => Request;
      readonly ShutdownWrap: new () => Request;
      readonly streamBaseState: Int32Array;
      readonly kReadBytesOrError: number;
      readonly kLastWriteWasAsync: number;
    };
    const needed = [kReadBytesOrError, kLastWriteWasAsync, constants.SOCKET];
    if (!needed.every(Number.isInteger) || !(streamBaseState instanceof Int32Array)) return undefined;
    for (const method of ["useUserBuffer", "readStart", "writeBuffer", "shutdown", "connect6", "reset", "close"]) {
      if (typeof (TCP.prototype as Record<string, unknown>)[method] !== "function") return undefined;
    }
    return {
      createHandle: () => new TCP(constants.SOCKET),
      Write: WriteWrap,
      Shutdown: ShutdownWrap,
      Connect: TCPConnectWrap,
      state: streamBaseState,
      readResult: kReadBytesOrError,
      wroteLater: kLastWriteWasAsync,
    };
  } catch {
    return undefined;
  }
}

const api = handleApi as HandleApi;

/** SIP004's largest chunk. A read of 64 KiB would be four of them and one of four bytes, which costs nearly as much. */
const CHUNK_BYTES = 0x3fff;
let readInto: Buffer | undefined;

/** As much of the shared buffer as holds whole chunks. */
function chunksOfReadBuffer(): Buffer {
  const buffer = sharedReadBuffer();
  readInto ??= buffer.length < CHUNK_BYTES ? buffer : buffer.subarray(0, buffer.length - (buffer.length % CHUNK_BYTES));
  return readInto;
}

/** A write that the kernel takes at once leaves its request unused, so that the next write can have it. */
let spareWrite: Request | undefined;

function onRead(this: TcpHandle): void {
  this.socket?.readCompleted(api.state[api.readResult] as number);
}

function onWritten(this: Request, status: number): void {
  this.buffer = undefined;
  this.socket?.writeCompleted(status);
}

function onShutDown(this: Request, status: number): void {
  this.socket?.shutdownCompleted(status);
}

function onConnected(this: Request, status: number): void {
  this.socket?.connectCompleted(status);
}

/**
 * One function for all: the handle keeps it, and V8 keeps handles through collections of the young generation, so that a closure would keep its
 * connection until the whole heap is marked.
 */
function onClosed(this: TcpHandle): void {
  this.socket?.closeCompleted();
}

/** A TCP socket straight on libuv's handle, reading into the process-wide buffer. Only where `handleApi` is there. */
export class HandleSocket implements OwnedSocket {
  owner!: SocketOwner;
  destroyed = false;
  writableEnded = false;
  writableFinished = false;
  readonly #handle: TcpHandle;
  #reading = false;
  #readEnded = false;
  #pendingWrites = 0;
  /** What it was closed for. */
  #error: Error | undefined = undefined;
  #peer: AddressInfo | undefined;

  /** Takes the handle over. */
  constructor(handle: TcpHandle) {
    this.#handle = handle;
    handle.socket = this;
    handle.onread = onRead;
    handle.useUserBuffer(chunksOfReadBuffer());
    handle.setNoDelay(true);
  }

  /** Begins to connect to a literal address. Whatever comes of it is told to the owner later, never before this returns. */
  static connect(owner: SocketOwner, address: string, port: number): HandleSocket {
    const socket = new HandleSocket(api.createHandle());
    socket.owner = owner;
    const request = new api.Connect();
    request.oncomplete = onConnected;
    request.socket = socket;
    const handle = socket.#handle;
    const errno = address.includes(":") ? handle.connect6(request, address, port) : handle.connect(request, address, port);
    if (errno !== 0) socket.#fail(errno, "connect");
    return socket;
  }

  get descriptor(): number {
    return this.#handle.fd;
  }

  get writableLength(): number {
    return this.#pendingWrites === 0 || this.destroyed ? 0 : this.#handle.writeQueueSize;
  }

  get remoteAddress(): string | undefined {
    return this.#peerName().address;
  }

  get remotePort(): number | undefined {
    return this.#peerName().port;
  }

  get localAddress(): string | undefined {
    return this.#ownName().address;
  }

  get localPort(): number | undefined {
    return this.#ownName().port;
  }

  resume(): void {
    if (this.#reading || this.#readEnded || this.destroyed) return;
    this.#reading = true;
    const errno = this.#handle.readStart();
    if (errno !== 0) this.#fail(errno, "read");
  }

  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#handle.readStop();
  }

  write(data: Buffer): boolean {
    if (this.destroyed || this.writableEnded) return false;
    const request = spareWrite ?? new api.Write();
    spareWrite = undefined;
    const errno = this.#handle.writeBuffer(request, data);
    if (errno !== 0) {
      this.#fail(errno, "write");
      return false;
    }
    if (api.state[api.wroteLater] === 0) {
      spareWrite = request;
      return true;
    }
    request.oncomplete = onWritten;
    request.socket = this;
    request.buffer = data;
    this.#pendingWrites += 1;
    return false;
  }

  end(): void {
    if (this.writableEnded || this.destroyed) return;
    this.writableEnded = true;
    const request = new api.Shutdown();
    request.oncomplete = onShutDown;
    request.socket = this;
    const errno = this.#handle.shutdown(request);
    if (errno === SHUT_DOWN || errno === UV_ENOTCONN) this.shutdownCompleted(0);
    else if (errno !== 0) this.#fail(errno, "shutdown");
  }

  destroy(): void {
    this.#close(undefined);
  }

  resetAndDestroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#reading = false;
    if (this.#handle.reset(onClosed) !== 0) this.#handle.close(onClosed);
  }

  /** For `onRead` alone. */
  readCompleted(result: number): void {
    if (this.destroyed) return;
    if (result > 0) {
      this.owner.handleData(sharedReadBuffer(), 0, result);
      return;
    }
    if (result === 0) return;
    this.#reading = false;
    if (result !== UV_EOF) {
      this.#fail(result, "read");
      return;
    }
    this.#readEnded = true;
    this.owner.handleEnd();
    if (this.writableFinished) this.destroy();
  }

  /** For `onWritten` alone. */
  writeCompleted(status: number): void {
    this.#pendingWrites -= 1;
    if (this.destroyed) return;
    if (status < 0) this.#fail(status, "write");
    else if (this.#pendingWrites === 0) this.owner.handleDrain();
  }

  /** For `onShutDown` alone. */
  shutdownCompleted(status: number): void {
    if (this.destroyed) return;
    if (status < 0 && status !== UV_ENOTCONN) {
      this.#fail(status, "shutdown");
      return;
    }
    this.writableFinished = true;
    if (this.#readEnded) this.destroy();
  }

  /** For `onConnected` alone. */
  connectCompleted(status: number): void {
    if (this.destroyed) return;
    if (status < 0) this.#fail(status, "connect");
    else this.owner.handleConnect();
  }

  /** For `onClosed` alone. */
  closeCompleted(): void {
    this.#handle.socket = undefined;
    if (this.#error) this.owner.handleError(this.#error);
    this.owner.handleClose();
  }

  #fail(errno: number, syscall: string): void {
    this.#close(systemError(syscall, errno));
  }

  #close(error: Error | undefined): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#reading = false;
    this.#error = error;
    this.#handle.close(onClosed);
  }

  #peerName(): AddressInfo {
    if (this.#peer === undefined && !this.destroyed) {
      this.#peer = {};
      this.#handle.getpeername(this.#peer);
    }
    return this.#peer ?? {};
  }

  #ownName(): AddressInfo {
    const name: AddressInfo = {};
    if (!this.destroyed) this.#handle.getsockname(name);
    return name;
  }
}
