import { type DatagramSocket, type DatagramSocketOptions, MAX_PENDING_BYTES, MAX_PENDING_DATAGRAMS } from "./datagram-socket.ts";
import { mapIpv4, unmapIpv4 } from "./mapped-address.ts";
import { systemError } from "./system-error.ts";

// What is below node:dgram, as handle-socket.ts is what is below node:net: a request, two closures and a tick less for every datagram.

interface Peer {
  readonly address: string;
  readonly port: number;
}

/** What a send needs until the kernel has taken its datagram. */
interface SendRequest {
  oncomplete: (this: SendRequest, status: number) => void;
  /** Kept from being collected. */
  datagram: Buffer;
  owner: unknown;
  payloadBytes: number;
  socket: HandleDatagramSocket<unknown>;
}

/** `UDP` of udp_wrap. Numbers returned are 0 or a negative errno; of a send also its length + 1, when the kernel took it at once. */
interface UdpHandle {
  socket: HandleDatagramSocket<unknown>;
  onmessage: (this: UdpHandle, result: number, handle: UdpHandle, datagram: Buffer | undefined, peer: Peer | undefined) => void;
  onerror: (this: UdpHandle, result: number) => void;
  bind(host: string, port: number, flags: number): number;
  bind6(host: string, port: number, flags: number): number;
  connect(host: string, port: number): number;
  connect6(host: string, port: number): number;
  send(request: SendRequest, list: Buffer[], count: number, port: number, host: string, tells: boolean): number;
  send(request: SendRequest, list: Buffer[], count: number, tells: boolean): number;
  send6(request: SendRequest, list: Buffer[], count: number, port: number, host: string, tells: boolean): number;
  recvStart(): number;
  getsockname(into: { address?: string; port?: number }): number;
  bufferSize(bytes: number, receiving: boolean, context: object): number | undefined;
  close(): void;
}

interface DatagramApi {
  readonly createHandle: () => UdpHandle;
  readonly Send: new () => SendRequest;
  readonly ipv6Only: number;
  readonly reusePort: number;
}

/** Undefined on a Node that has moved it. */
export const datagramApi: DatagramApi | undefined = findDatagramApi();

function findDatagramApi(): DatagramApi | undefined {
  try {
    const { binding } = process as unknown as { readonly binding: (name: string) => Record<string, unknown> };
    const { UDP, SendWrap, constants } = binding("udp_wrap") as {
      readonly UDP: new () => UdpHandle;
      readonly SendWrap: new () => SendRequest;
      readonly constants: { readonly UV_UDP_IPV6ONLY: number; readonly UV_UDP_REUSEPORT: number };
    };
    const { UV_UDP_IPV6ONLY, UV_UDP_REUSEPORT } = constants;
    if (typeof SendWrap !== "function" || ![UV_UDP_IPV6ONLY, UV_UDP_REUSEPORT].every(Number.isInteger)) return undefined;
    for (const method of ["bind6", "connect6", "send", "send6", "recvStart", "getsockname", "bufferSize", "close"]) {
      if (typeof (UDP.prototype as Record<string, unknown>)[method] !== "function") return undefined;
    }
    return { createHandle: () => new UDP(), Send: SendWrap, ipv6Only: UV_UDP_IPV6ONLY, reusePort: UV_UDP_REUSEPORT };
  } catch {
    return undefined;
  }
}

const api = datagramApi as DatagramApi;
/** A send that the kernel takes at once leaves its request and its list unused, so that the next one can have them. */
let spareSend: SendRequest | undefined;
const list: [Buffer] = [Buffer.alloc(0)];

/** A UDP socket straight on libuv's handle. Only where `datagramApi` is there. */
export class HandleDatagramSocket<Owner> implements DatagramSocket<Owner> {
  readonly host: string;
  readonly port: number;
  readonly #options: DatagramSocketOptions<Owner>;
  readonly #handle = api.createHandle();
  readonly #isIpv6: boolean;
  readonly #mapped: boolean;
  #pending = 0;
  #pendingBytes = 0;
  #closed = false;

  constructor(options: DatagramSocketOptions<Owner>) {
    this.#options = options;
    this.#isIpv6 = options.family === 6;
    this.#mapped = this.#isIpv6 && !options.ipv6Only;
    const handle = this.#handle;
    try {
      this.#place();
    } catch (error) {
      this.close();
      throw error;
    }
    const bound: { address?: string; port?: number } = {};
    handle.getsockname(bound);
    this.host = bound.address ?? options.host;
    this.port = bound.port ?? options.port;
    // It may be refused: the kernel's default serves too, with less room for bursts.
    if (options.receiveBufferBytes > 0) handle.bufferSize(options.receiveBufferBytes, true, {});
  }

  send(datagram: Buffer, host: string, port: number, owner: Owner, payloadBytes: number): void {
    if (port === 0 || !this.#takes(datagram)) {
      this.#options.onSendFailed(owner, undefined);
      return;
    }
    const request = spareSend ?? new api.Send();
    spareSend = undefined;
    list[0] = datagram;
    const handle = this.#handle;
    const result = this.#isIpv6
      ? handle.send6(request, list, 1, port, this.#mapped ? mapIpv4(host) : host, true)
      : handle.send(request, list, 1, port, host, true);
    this.#settle(request, result, datagram, owner, payloadBytes);
  }

  sendToPeer(datagram: Buffer, owner: Owner, payloadBytes: number): void {
    if (!this.#takes(datagram)) {
      this.#options.onSendFailed(owner, undefined);
      return;
    }
    const request = spareSend ?? new api.Send();
    spareSend = undefined;
    list[0] = datagram;
    this.#settle(request, this.#handle.send(request, list, 1, true), datagram, owner, payloadBytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }

  /** For `onMessage` alone. */
  received(result: number, datagram: Buffer | undefined, peer: Peer | undefined): void {
    if (this.#closed) return;
    if (result < 0) this.#options.onError(systemError("recvmsg", result));
    else if (datagram && peer) this.#options.onDatagram(datagram, this.#mapped ? unmapIpv4(peer.address) : peer.address, peer.port);
  }

  /** For `onSent` alone. */
  sent({ datagram, owner, payloadBytes }: SendRequest, status: number): void {
    this.#pending -= 1;
    this.#pendingBytes -= datagram.length;
    if (status < 0) this.#options.onSendFailed(owner as Owner, systemError("send", status));
    else this.#options.onSent(owner as Owner, payloadBytes);
  }

  /** Binds or connects, and begins to receive. */
  #place(): void {
    const { host, port, connects, ipv6Only, sharesPort } = this.#options;
    const handle = this.#handle;
    const flags = (this.#isIpv6 && ipv6Only ? api.ipv6Only : 0) | (sharesPort ? api.reusePort : 0);
    if (connects) succeed("connect", this.#isIpv6 ? handle.connect6(host, port) : handle.connect(host, port));
    else succeed("bind", this.#isIpv6 ? handle.bind6(host, port, flags) : handle.bind(host, port, flags));
    handle.socket = this as HandleDatagramSocket<unknown>;
    handle.onmessage = onMessage;
    handle.onerror = onError;
    succeed("recvmsg", handle.recvStart());
  }

  #takes(datagram: Buffer): boolean {
    return !this.#closed && this.#pending < MAX_PENDING_DATAGRAMS && this.#pendingBytes + datagram.length <= MAX_PENDING_BYTES;
  }

  #settle(request: SendRequest, result: number, datagram: Buffer, owner: Owner, payloadBytes: number): void {
    if (result === 0) {
      this.#pending += 1;
      this.#pendingBytes += datagram.length;
      request.oncomplete = onSent;
      request.datagram = datagram;
      request.owner = owner;
      request.payloadBytes = payloadBytes;
      request.socket = this as HandleDatagramSocket<unknown>;
      return;
    }
    spareSend = request;
    if (result > 0) this.#options.onSent(owner, payloadBytes);
    else this.#options.onSendFailed(owner, systemError("send", result));
  }
}

function succeed(syscall: string, result: number): void {
  if (result < 0) throw systemError(syscall, result);
}

function onMessage(this: UdpHandle, result: number, _handle: UdpHandle, datagram: Buffer | undefined, peer: Peer | undefined): void {
  this.socket.received(result, datagram, peer);
}

function onError(this: UdpHandle, result: number): void {
  this.socket.received(result, undefined, undefined);
}

function onSent(this: SendRequest, status: number): void {
  this.socket.sent(this, status);
}
