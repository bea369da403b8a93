import type { NativeDatagrams } from "@shadowfleet/aead-native";
import { systemError } from "../system-error.ts";
import {
  type DatagramSocket,
  type DatagramSocketOptions,
  MAX_DATAGRAM_LENGTH,
  MAX_PENDING_BYTES,
  MAX_PENDING_DATAGRAMS,
} from "./datagram-socket.ts";
import { type DatagramTurns, datagramTurnsOf, type TurnSocket } from "./datagram-turns.ts";

/** No host: the peer of a connected socket. */
interface WaitingDatagram<Owner> {
  readonly datagram: Buffer;
  readonly host: string | undefined;
  readonly port: number;
  readonly owner: Owner;
  readonly payloadBytes: number;
}

const EMSGSIZE = -90;
const tooLong = systemError("send", EMSGSIZE);

/** On the addon: what arrives in one turn of the event loop is received, handled, and what it caused sent, in a few system calls. */
export class NativeDatagramSocket<Owner> implements DatagramSocket<Owner>, TurnSocket {
  readonly host: string;
  readonly port: number;
  readonly number: number;
  readonly #options: DatagramSocketOptions<Owner>;
  readonly #turns: DatagramTurns;
  /** What the kernel had no room for. */
  #waiting: WaitingDatagram<Owner>[] = [];
  #waitingBytes = 0;
  #closed = false;

  constructor(native: NativeDatagrams, options: DatagramSocketOptions<Owner>) {
    this.#options = options;
    this.#turns = datagramTurnsOf(native);
    const bound = this.#turns.open(this, options);
    this.number = bound.number;
    this.host = bound.host;
    this.port = bound.port;
  }

  send(datagram: Buffer, host: string, port: number, owner: Owner, payloadBytes: number): void {
    if (port === 0) this.#options.onSendFailed(owner, undefined);
    else this.#send(datagram, host, port, owner, payloadBytes);
  }

  sendToPeer(datagram: Buffer, owner: Owner, payloadBytes: number): void {
    this.#send(datagram, undefined, 0, owner, payloadBytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#turns.flush();
    this.#closed = true;
    this.#turns.close(this);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { owner } of waiting) this.#options.onSendFailed(owner, undefined);
  }

  #send(datagram: Buffer, host: string | undefined, port: number, owner: Owner, payloadBytes: number): void {
    if (datagram.length > MAX_DATAGRAM_LENGTH) this.#options.onSendFailed(owner, tooLong);
    else if (this.#closed || this.#waiting.length > 0) this.#wait({ datagram, host, port, owner, payloadBytes });
    else this.#turns.add(this, datagram, host, port, owner, payloadBytes);
  }

  onDatagram(datagram: Buffer, host: string, port: number): void {
    if (!this.#closed) this.#options.onDatagram(datagram, host, port);
  }

  onError(error: Error): void {
    if (!this.#closed) this.#options.onError(error);
  }

  onSent(owner: unknown, payloadBytes: number): void {
    this.#options.onSent(owner as Owner, payloadBytes);
  }

  onSendFailed(owner: unknown, error: Error | undefined): void {
    this.#options.onSendFailed(owner as Owner, error);
  }

  onNoRoom(datagram: Buffer, host: string | undefined, port: number, owner: unknown, payloadBytes: number): void {
    this.#wait({ datagram, host, port, owner: owner as Owner, payloadBytes });
  }

  onRoom(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#turns.awaitRoom(this, false);
    // What there is still no room for comes back by onNoRoom, in the same order.
    for (const { datagram, host, port, owner, payloadBytes } of waiting) this.#send(datagram, host, port, owner, payloadBytes);
  }

  #wait(waiting: WaitingDatagram<Owner>): void {
    const { length } = waiting.datagram;
    if (this.#closed || this.#waiting.length >= MAX_PENDING_DATAGRAMS || this.#waitingBytes + length > MAX_PENDING_BYTES) {
      this.#options.onSendFailed(waiting.owner, undefined);
      return;
    }
    if (this.#waiting.length === 0) this.#turns.awaitRoom(this, true);
    this.#waiting.push(waiting);
    this.#waitingBytes += length;
  }
}
