import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import type { ErrorCode } from "@shadowfleet/runtime";

const IP_TOTAL_LENGTH_MAX = 65_535;
const IPV4_HEADER_LENGTH = 20;
const UDP_HEADER_LENGTH = 8;

/** The most a datagram can carry over IPv4; one bound for both families. */
export const MAX_DATAGRAM_LENGTH = IP_TOTAL_LENGTH_MAX - IPV4_HEADER_LENGTH - UDP_HEADER_LENGTH;

/** What the kernel has not taken yet; beyond it datagrams are dropped, as a full interface queue would, so that memory stays bounded. */
const MAX_QUEUED_BYTES = 1024 * 1024;
/** Asked of the kernel for bursts; it grants up to net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

const MAPPED_PREFIX = "::ffff:";

/** How one datagram fared: "OK" when the kernel took it. */
export type SendOutcome = "OK" | ErrorCode;

export interface DatagramSocketOptions {
  /** The datagram is owned by the receiver. IPv4 peers of a dual-stack socket are named by plain IPv4 addresses. */
  readonly onDatagram: (datagram: Buffer, host: string, port: number) => void;
  /** Told once for every datagram sent. */
  readonly onSent: (outcome: SendOutcome) => void;
  /** An error of no particular datagram, such as a port unreachable that came back. The socket stays open. */
  readonly onError: (error: Error) => void;
}

/** A UDP socket for literal addresses, either bound to a port or connected to one peer. */
export class DatagramSocket {
  readonly host: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #onSent: (outcome: SendOutcome) => void;
  readonly #mapped: boolean;
  #closed = false;

  /** Binds; "::" takes IPv4 too. Throws the system's error. */
  static bind(host: string, port: number, options: DatagramSocketOptions): DatagramSocket {
    const socket = openSocket({ type: host.includes(":") ? "udp6" : "udp4", ipv6Only: host.includes(":") && host !== "::" });
    return DatagramSocket.#ready(socket, options, host === "::", () => socket.bindSync({ address: host, port }));
  }

  /** Connects to one peer: only its datagrams arrive, and `sendToPeer` sends there. Throws the system's error. */
  static connect(host: string, port: number, options: DatagramSocketOptions): DatagramSocket {
    const socket = openSocket({ type: host.includes(":") ? "udp6" : "udp4" });
    return DatagramSocket.#ready(socket, options, false, () => socket.connectSync(port, host));
  }

  static #ready(socket: Socket, options: DatagramSocketOptions, mapped: boolean, begin: () => unknown): DatagramSocket {
    try {
      begin();
      return new DatagramSocket(socket, options, mapped);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  private constructor(socket: Socket, options: DatagramSocketOptions, mapped: boolean) {
    const { address, port } = socket.address();
    this.host = address;
    this.port = port;
    this.#socket = socket;
    this.#onSent = options.onSent;
    this.#mapped = mapped;
    socket.on("message", (datagram, peer) => options.onDatagram(datagram, mapped ? unmapIpv4(peer.address) : peer.address, peer.port));
    socket.on("error", (error) => {
      if (!this.#closed) options.onError(error);
    });
    growReceiveBuffer(socket);
  }

  /** Sends to a literal address of the socket's family. The datagram belongs to the socket from now on. Never throws. */
  send(datagram: Buffer, host: string, port: number): void {
    if (this.#takes(datagram))
      this.#socket.send(datagram, port, this.#mapped && !host.includes(":") ? MAPPED_PREFIX + host : host, this.#sent);
  }

  /** Sends to the peer of `connect`. */
  sendToPeer(datagram: Buffer): void {
    if (this.#takes(datagram)) this.#socket.send(datagram, this.#sent);
  }

  /** Frees the port now. Nothing arrives any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.removeAllListeners("message");
    this.#socket.close();
  }

  #takes(datagram: Buffer): boolean {
    if (datagram.length > MAX_DATAGRAM_LENGTH) this.#onSent("PACKET_TOO_LARGE");
    else if (this.#closed || this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) this.#onSent("UDP_SEND_FAILED");
    else return true;
    return false;
  }

  readonly #sent = (error: Error | null): void => {
    this.#onSent(error === null ? "OK" : "UDP_SEND_FAILED");
  };
}

function openSocket(options: SocketOptions): Socket {
  // Answering within the call lets Node send at once instead of a tick later.
  return createSocket({ ...options, lookup: (host, _options, callback) => callback(null, host, host.includes(":") ? 6 : 4) });
}

function growReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // A sandbox may forbid it; the kernel's default serves too, with less room for bursts.
  }
}

/** `::ffff:192.0.2.1`, as a dual-stack socket names an IPv4 peer, in its own form. */
function unmapIpv4(host: string): string {
  return host.startsWith(MAPPED_PREFIX) && host.includes(".") ? host.slice(MAPPED_PREFIX.length) : host;
}
