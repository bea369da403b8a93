import { createSocket, type Socket } from "node:dgram";
import { mapIpv4, unmapIpv4 } from "./mapped-address.ts";

const IP_TOTAL_LENGTH_MAX = 65_535;
const IPV4_HEADER_LENGTH = 20;
const UDP_HEADER_LENGTH = 8;

/** The most a datagram can carry over IPv4. IPv6 would allow 20 bytes more; one bound for both keeps an answer's fate independent of the path. */
export const MAX_DATAGRAM_LENGTH = IP_TOTAL_LENGTH_MAX - IPV4_HEADER_LENGTH - UDP_HEADER_LENGTH;

/** What the kernel has not taken yet and libuv holds. Beyond it datagrams are dropped, as a full interface queue would: memory stays bounded. */
const MAX_PENDING_BYTES = 1024 * 1024;
const MAX_PENDING_DATAGRAMS = 512;

export interface DatagramSocketOptions<Owner> {
  readonly family: 4 | 6;
  /** Literal address to bind. */
  readonly host: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  /** False: IPv4 peers are served by an IPv6 socket too; they are named by plain IPv4 addresses in and out. */
  readonly ipv6Only: boolean;
  /** Beside other sockets that share the port (SO_REUSEPORT): the kernel keeps each client at one of them. */
  readonly sharesPort?: boolean;
  /** Bytes the kernel is asked to buffer; it may grant less, silently. 0: its default. */
  readonly receiveBufferBytes: number;
  /** The datagram is owned by the receiver. */
  readonly onDatagram: (datagram: Buffer, host: string, port: number) => void;
  /** The kernel has taken a datagram of `owner` that carried so many payload bytes. */
  readonly onSent: (owner: Owner, payloadBytes: number) => void;
  /** A datagram of `owner` was dropped. Undefined error: it never reached the kernel (too much waiting, closed, port 0). */
  readonly onSendFailed: (owner: Owner, error: Error | undefined) => void;
  /** The socket reported an error that belongs to no send. It is still open. */
  readonly onError: (error: Error) => void;
}

interface PendingSend<Owner> {
  readonly owner: Owner;
  readonly datagramBytes: number;
  readonly payloadBytes: number;
}

/**
 * One bound, unconnected UDP socket that sends to numeric addresses without Node's DNS step, and says of each datagram whether the kernel took
 * it. It tells by order (Node completes sends in the order they were made), so a send needs no callback of its own.
 */
export class DatagramSocket<Owner> {
  readonly host: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #options: DatagramSocketOptions<Owner>;
  readonly #mapped: boolean;
  readonly #pending: PendingSend<Owner>[] = [];
  #pendingBytes = 0;
  #closed = false;

  /** Binds. Throws the system's error (EADDRINUSE, EMFILE, EAFNOSUPPORT, …). */
  constructor(options: DatagramSocketOptions<Owner>) {
    this.#options = options;
    this.#mapped = options.family === 6 && !options.ipv6Only;
    this.#socket = createSocket({
      type: `udp${options.family}`,
      ipv6Only: options.ipv6Only,
      reusePort: options.sharesPort === true,
      lookup: numericLookup,
    });
    this.#socket.on("message", (datagram, peer) => {
      options.onDatagram(datagram, this.#mapped ? unmapIpv4(peer.address) : peer.address, peer.port);
    });
    this.#socket.on("error", (error) => {
      if (!this.#closed) options.onError(error);
    });
    try {
      const bound = this.#socket.bindSync({ address: options.host, port: options.port });
      this.host = bound.address;
      this.port = bound.port;
    } catch (error) {
      this.close();
      throw error;
    }
    if (options.receiveBufferBytes > 0) this.#growReceiveBuffer(options.receiveBufferBytes);
  }

  /**
   * Sends the whole of `datagram`, which belongs to the socket from now on, to a literal address of the socket's family. Never throws.
   * Port 0, which a forged datagram can come from, cannot be sent to.
   */
  send(datagram: Buffer, host: string, port: number, owner: Owner, payloadBytes: number): void {
    if (port === 0 || this.#closed || this.#isFull(datagram.length)) {
      this.#options.onSendFailed(owner, undefined);
      return;
    }
    this.#pending.push({ owner, datagramBytes: datagram.length, payloadBytes });
    this.#pendingBytes += datagram.length;
    this.#socket.send(datagram, port, this.#mapped ? mapIpv4(host) : host, this.#settle);
  }

  /** Frees the port now. Nothing is reported afterwards but the outcome of sends already made. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.removeAllListeners("message");
    this.#socket.close();
  }

  readonly #settle = (error: Error | null): void => {
    const send = this.#pending.shift();
    if (send === undefined) return;
    this.#pendingBytes -= send.datagramBytes;
    if (error === null) this.#options.onSent(send.owner, send.payloadBytes);
    else this.#options.onSendFailed(send.owner, error);
  };

  #isFull(length: number): boolean {
    return this.#pending.length >= MAX_PENDING_DATAGRAMS || this.#pendingBytes + length > MAX_PENDING_BYTES;
  }

  #growReceiveBuffer(bytes: number): void {
    try {
      this.#socket.setRecvBufferSize(bytes);
    } catch {
      // A sandbox may forbid it; the kernel's default serves too, with less room for bursts.
    }
  }
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

// Answering within the call lets Node send at once instead of a tick later.
function numericLookup(host: string, _options: unknown, callback: LookupCallback): void {
  callback(null, host, host.includes(":") ? 6 : 4);
}
