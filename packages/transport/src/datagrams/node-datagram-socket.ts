import { createSocket, type Socket } from "node:dgram";
import { mapIpv4, unmapIpv4 } from "../mapped-address.ts";
import { type DatagramSocket, type DatagramSocketOptions, MAX_PENDING_BYTES, MAX_PENDING_DATAGRAMS } from "./datagram-socket.ts";

interface PendingSend<Owner> {
  readonly owner: Owner;
  readonly datagramBytes: number;
  readonly payloadBytes: number;
}

/**
 * On node:dgram, without its DNS step. It tells outcomes by order (Node completes sends in the order they were made), so a send needs no callback
 * of its own.
 */
export class NodeDatagramSocket<Owner> implements DatagramSocket<Owner> {
  readonly host: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #options: DatagramSocketOptions<Owner>;
  readonly #mapped: boolean;
  readonly #pending: PendingSend<Owner>[] = [];
  #pendingBytes = 0;
  #closed = false;

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
      if (options.connects) this.#socket.connectSync(options.port, options.host);
      else this.#socket.bindSync({ address: options.host, port: options.port });
    } catch (error) {
      this.close();
      throw error;
    }
    const bound = this.#socket.address();
    this.host = bound.address;
    this.port = bound.port;
    if (options.receiveBufferBytes > 0) this.#growReceiveBuffer(options.receiveBufferBytes);
  }

  send(datagram: Buffer, host: string, port: number, owner: Owner, payloadBytes: number): void {
    if (port === 0 || !this.#takes(datagram)) {
      this.#options.onSendFailed(owner, undefined);
      return;
    }
    this.#await(datagram, owner, payloadBytes);
    this.#socket.send(datagram, port, this.#mapped ? mapIpv4(host) : host, this.#settle);
  }

  sendToPeer(datagram: Buffer, owner: Owner, payloadBytes: number): void {
    if (!this.#takes(datagram)) {
      this.#options.onSendFailed(owner, undefined);
      return;
    }
    this.#await(datagram, owner, payloadBytes);
    this.#socket.send(datagram, this.#settle);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.removeAllListeners("message");
    this.#socket.close();
  }

  #takes(datagram: Buffer): boolean {
    return !this.#closed && this.#pending.length < MAX_PENDING_DATAGRAMS && this.#pendingBytes + datagram.length <= MAX_PENDING_BYTES;
  }

  #await(datagram: Buffer, owner: Owner, payloadBytes: number): void {
    this.#pending.push({ owner, datagramBytes: datagram.length, payloadBytes });
    this.#pendingBytes += datagram.length;
  }

  readonly #settle = (error: Error | null): void => {
    const send = this.#pending.shift();
    if (send === undefined) return;
    this.#pendingBytes -= send.datagramBytes;
    if (error === null) this.#options.onSent(send.owner, send.payloadBytes);
    else this.#options.onSendFailed(send.owner, error);
  };

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
