import { ARRIVAL_WORDS, type DatagramMemory, DEPARTURE_WORDS, type NativeDatagrams, RECEIVED_SLOT } from "@shadowfleet/aead-native";
import { hostAt, writeHost } from "../endpoint-cache.ts";
import { systemError } from "../system-error.ts";
import type { DatagramSocketOptions } from "./datagram-socket.ts";

const EAGAIN = -11;
const EINVAL = -22;

/** A socket as the turns know it. */
export interface TurnSocket {
  readonly number: number;
  onDatagram(datagram: Buffer, host: string, port: number): void;
  onError(error: Error): void;
  onSent(owner: unknown, payloadBytes: number): void;
  onSendFailed(owner: unknown, error: Error | undefined): void;
  /** The kernel has no room; `datagram` belongs to the socket. */
  onNoRoom(datagram: Buffer, host: string | undefined, port: number, owner: unknown, payloadBytes: number): void;
  /** There is room again. */
  onRoom(): void;
}

/** A datagram among the departures, and who is to be told of its fate. */
interface Passenger {
  socket: TurnSocket | undefined;
  host: string | undefined;
  port: number;
  owner: unknown;
  payloadBytes: number;
}

/** Errors by errno: a flood of failures makes one. */
const failures = new Map<number, Error>();

function failureOf(errno: number): Error {
  let failure = failures.get(errno);
  if (failure === undefined) {
    failure = systemError("sendmmsg", errno);
    failures.set(errno, failure);
  }
  return failure;
}

const byNative = new WeakMap<NativeDatagrams, DatagramTurns>();

/** The turns of this thread on that addon. */
export function datagramTurnsOf(native: NativeDatagrams): DatagramTurns {
  let turns = byNative.get(native);
  if (turns === undefined) {
    turns = new DatagramTurns(native);
    byNative.set(native, turns);
  }
  return turns;
}

/**
 * All native sockets of a thread. A turn begins when the addon tells of a socket and ends when everything it brought is handled; what is sent
 * meanwhile is gathered and leaves at the end, or when the memory is full. Outside of turns a datagram leaves at once.
 */
export class DatagramTurns {
  readonly #native: NativeDatagrams;
  readonly #memory: DatagramMemory;
  readonly #received: Buffer;
  readonly #sockets: (TurnSocket | undefined)[] = [];
  /** In the order of `departures`. The second takes what is sent while the fate of the first is told. */
  #passengers: Passenger[];
  #spare: Passenger[];
  #count = 0;
  #bytes = 0;
  #isTurn = false;
  #isFlushing = false;

  constructor(native: NativeDatagrams) {
    this.#native = native;
    this.#memory = native.startDatagrams((socket, count) => this.#onEvent(socket, count));
    this.#received = Buffer.from(this.#memory.received.buffer);
    const seats = this.#memory.departures.length / DEPARTURE_WORDS;
    const empty = (): Passenger => ({ socket: undefined, host: undefined, port: 0, owner: undefined, payloadBytes: 0 });
    this.#passengers = Array.from({ length: seats }, empty);
    this.#spare = Array.from({ length: seats }, empty);
  }

  /** Throws the system's error. */
  open(
    socket: TurnSocket,
    options: DatagramSocketOptions<never>,
  ): { readonly number: number; readonly host: string; readonly port: number } {
    const { host, port, family, ipv6Only, sharesPort = false, connects = false, receiveBufferBytes } = options;
    const number = this.#native.openDatagramSocket(host, port, family === 6, ipv6Only, sharesPort, connects, receiveBufferBytes);
    if (number < 0) throw systemError(connects ? "connect" : "bind", number);
    this.#sockets[number] = socket;
    return { number, host: this.#hostOf(0), port: this.#memory.arrivals[0] as number };
  }

  close({ number }: TurnSocket): void {
    this.#sockets[number] = undefined;
    this.#native.closeDatagramSocket(number);
  }

  awaitRoom({ number }: TurnSocket, awaits: boolean): void {
    this.#native.awaitRoom(number, awaits);
  }

  /** Takes a copy of a datagram, of at most the longest length, and sends it by the end of the turn. */
  add(socket: TurnSocket, datagram: Buffer, host: string | undefined, port: number, owner: unknown, payloadBytes: number): void {
    const { sent, departures } = this.#memory;
    if (this.#count === this.#passengers.length || this.#bytes + datagram.length > sent.length) {
      this.flush();
      // The fate of others is being told just now.
      if (this.#count > 0) {
        socket.onSendFailed(owner, undefined);
        return;
      }
    }
    const at = this.#count * DEPARTURE_WORDS;
    departures[at] = port;
    if (host !== undefined && !writeHost(host, departures, at + 1, () => this.#parse(host))) {
      socket.onSendFailed(owner, failureOf(EINVAL));
      return;
    }
    departures[at + 6] = socket.number;
    departures[at + 7] = this.#bytes;
    departures[at + 8] = datagram.length;
    sent.set(datagram, this.#bytes);
    const passenger = this.#passengers[this.#count] as Passenger;
    passenger.socket = socket;
    passenger.host = host;
    passenger.port = port;
    passenger.owner = owner;
    passenger.payloadBytes = payloadBytes;
    this.#count += 1;
    this.#bytes += datagram.length;
    if (!this.#isTurn) this.flush();
  }

  /** Sends what has been gathered, and tells its fate. Does nothing while it is doing that. */
  flush(): void {
    if (this.#isFlushing) return;
    const wasTurn = this.#isTurn;
    this.#isFlushing = true;
    this.#isTurn = true;
    try {
      while (this.#count > 0) this.#depart();
    } finally {
      this.#isFlushing = false;
      this.#isTurn = wasTurn;
    }
  }

  #depart(): void {
    const passengers = this.#passengers;
    const count = this.#count;
    const left = this.#native.sendDatagrams(count) > 0 ? this.#leftBehind(count) : undefined;
    // From here on the memory may be used again.
    this.#passengers = this.#spare;
    this.#spare = passengers;
    this.#count = 0;
    this.#bytes = 0;
    for (let i = 0; i < count; i++) {
      const passenger = passengers[i] as Passenger;
      const { socket, owner, payloadBytes } = passenger;
      passenger.socket = undefined;
      passenger.owner = undefined;
      const failure = left?.[i];
      if (failure === undefined) socket?.onSent(owner, payloadBytes);
      else if (failure instanceof Error) socket?.onSendFailed(owner, failure);
      else socket?.onNoRoom(failure, passenger.host, passenger.port, owner, payloadBytes);
    }
  }

  /** By place: why a datagram was not sent, or a copy of one that there was no room for. */
  #leftBehind(count: number): (Error | Buffer | undefined)[] {
    const { departures, sent } = this.#memory;
    return Array.from({ length: count }, (_, i) => {
      const [offset = 0, length = 0, status = 0] = departures.subarray(i * DEPARTURE_WORDS + 7, (i + 1) * DEPARTURE_WORDS);
      if (status === 0) return undefined;
      return status === EAGAIN ? Buffer.from(sent.subarray(offset, offset + length)) : failureOf(status);
    });
  }

  #onEvent(number: number, count: number): void {
    const socket = this.#sockets[number];
    if (socket === undefined) return;
    this.#isTurn = true;
    try {
      if (count > 0) this.#receive(socket, count);
      else if (count < 0) socket.onError(systemError("recvmmsg", count));
      else socket.onRoom();
    } finally {
      this.#isTurn = false;
      this.flush();
    }
  }

  #receive(socket: TurnSocket, count: number): void {
    const { arrivals } = this.#memory;
    for (let i = 0; i < count; i++) {
      const at = i * ARRIVAL_WORDS;
      const start = i * RECEIVED_SLOT;
      const datagram = this.#received.subarray(start, start + (arrivals[at + 6] as number));
      socket.onDatagram(datagram, this.#hostOf(i), arrivals[at] as number);
    }
  }

  #hostOf(arrival: number): string {
    return hostAt(this.#memory.arrivals, arrival * ARRIVAL_WORDS + 1, () => this.#native.hostOfArrival(arrival));
  }

  /** Scope and address of a literal address. */
  #parse(host: string): Int32Array | undefined {
    const { departures } = this.#memory;
    // The addon answers in the first entry, where a datagram may be waiting.
    const kept = departures.slice(0, DEPARTURE_WORDS);
    const words = this.#native.parseHost(host) ? departures.slice(1, DEPARTURE_WORDS) : undefined;
    departures.set(kept);
    return words;
  }
}
