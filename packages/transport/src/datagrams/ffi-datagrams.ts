import { ARRIVAL_WORDS, type DatagramMemory, DEPARTURE_WORDS, type NativeDatagrams, RECEIVED_SLOT } from "@shadowfleet/aead-native";
import { formatHostWords, parseHostWords } from "./endpoint-words.ts";
import { MessageVector } from "./message-vector.ts";
import { findSocketCalls, type SocketCalls } from "./socket-calls.ts";
import { openUdpHandle, type UdpHandle, type UdpHandleApi, type UdpPeer, udpHandleApi } from "./udp-handle.ts";

const RECEIVED_MOST = 32;
const LONGEST_DATAGRAM = 65_535;
const SENT_MOST = 64;
const SENT_ROOM = 256 * 1024;
/** libuv tells of room only to what is sent through it. */
const LOOK_FOR_ROOM_MS = 1;

/** Words of a departure behind its endpoint. */
const SOCKET_AT = 6;
const OFFSET_AT = 7;
const LENGTH_AT = 8;
const STATUS_AT = 9;
const LENGTH_OF_ARRIVAL_AT = 6;

const EINTR = -4;
const EBADF = -9;
const EAGAIN = -11;
const EAFNOSUPPORT = -97;
/** Not a status: the datagram has not been looked at. */
const UNSETTLED = 1;

interface Socket {
  readonly handle: UdpHandle;
  readonly isIpv6: boolean;
  looksForRoom: NodeJS.Timeout | undefined;
}

/**
 * The addon's half of the sockets (native/datagrams.c) without the addon: libuv's handle has the descriptor and the first datagram of each turn, what
 * waits behind it is received, and everything sent, by the system calls themselves.
 */
export class FfiDatagrams implements NativeDatagrams {
  readonly #calls: SocketCalls;
  readonly #api: UdpHandleApi;
  readonly #memory: DatagramMemory = {
    received: new Uint8Array(RECEIVED_MOST * RECEIVED_SLOT),
    arrivals: new Int32Array(RECEIVED_MOST * ARRIVAL_WORDS),
    sent: new Uint8Array(SENT_ROOM),
    departures: new Int32Array(SENT_MOST * DEPARTURE_WORDS),
  };
  readonly #sentAt: number;
  readonly #arriving: MessageVector;
  readonly #departing: MessageVector;
  /** By index in `#departing`: the departure it is. */
  readonly #batch = new Int32Array(SENT_MOST);
  readonly #sockets: (Socket | undefined)[] = [];
  #onEvent: (socket: number, count: number) => void = () => {};

  constructor(calls: SocketCalls, api: UdpHandleApi) {
    this.#calls = calls;
    this.#api = api;
    this.#sentAt = Number(calls.addressOf(this.#memory.sent));
    this.#arriving = new MessageVector(calls.addressOf, RECEIVED_MOST);
    this.#departing = new MessageVector(calls.addressOf, SENT_MOST);
    const receivedAt = Number(calls.addressOf(this.#memory.received));
    for (let i = 0; i < RECEIVED_MOST; i++) this.#arriving.setPart(i, receivedAt + i * RECEIVED_SLOT, LONGEST_DATAGRAM);
  }

  startDatagrams(onEvent: (socket: number, count: number) => void): DatagramMemory {
    this.#onEvent = onEvent;
    return this.#memory;
  }

  openDatagramSocket(
    host: string,
    port: number,
    isIpv6: boolean,
    ipv6Only: boolean,
    sharesPort: boolean,
    connects: boolean,
    receiveBufferBytes: number,
  ): number {
    const handle = openUdpHandle(this.#api, { family: isIpv6 ? 6 : 4, host, port, ipv6Only, sharesPort, connects, receiveBufferBytes });
    if (typeof handle === "number") return handle;
    const bound: { address?: string; port?: number } = {};
    handle.getsockname(bound);
    this.#writeArrival(0, bound.address ?? host, bound.port ?? port);
    const free = this.#sockets.indexOf(undefined);
    const number = free < 0 ? this.#sockets.length : free;
    this.#sockets[number] = { handle, isIpv6, looksForRoom: undefined };
    handle.onmessage = (result, _handle, datagram, peer) => this.#receive(number, handle, result, datagram, peer);
    handle.onerror = (result) => this.#onEvent(number, result);
    const errno = handle.recvStart();
    if (errno < 0) this.closeDatagramSocket(number);
    return errno < 0 ? errno : number;
  }

  closeDatagramSocket(number: number): void {
    const socket = this.#sockets[number];
    if (socket === undefined) return;
    this.#sockets[number] = undefined;
    clearInterval(socket.looksForRoom);
    socket.handle.close();
  }

  awaitRoom(number: number, awaits: boolean): void {
    const socket = this.#sockets[number];
    if (socket === undefined) return;
    clearInterval(socket.looksForRoom);
    socket.looksForRoom = awaits ? setInterval(() => this.#onEvent(number, 0), LOOK_FOR_ROOM_MS) : undefined;
  }

  sendDatagrams(count: number): number {
    const { departures } = this.#memory;
    for (let i = 0; i < count; i++) departures[i * DEPARTURE_WORDS + STATUS_AT] = UNSETTLED;
    for (let first = 0; first < count; first++) {
      if (departures[first * DEPARTURE_WORDS + STATUS_AT] === UNSETTLED) this.#sendFrom(first, count);
    }
    let failed = 0;
    for (let i = 0; i < count; i++) if (departures[i * DEPARTURE_WORDS + STATUS_AT] !== 0) failed += 1;
    return failed;
  }

  hostOfArrival(arrival: number): string {
    return formatHostWords(this.#memory.arrivals, arrival * ARRIVAL_WORDS + 1);
  }

  parseHost(host: string): boolean {
    return parseHostWords(host, this.#memory.departures, 1);
  }

  /** The first, as libuv has it, and what waits behind it. */
  #receive(number: number, handle: UdpHandle, result: number, datagram: Buffer | undefined, peer: UdpPeer | undefined): void {
    if (this.#sockets[number]?.handle !== handle) return;
    if (result < 0) {
      this.#onEvent(number, result);
      return;
    }
    if (datagram === undefined || peer === undefined) return;
    const { received, arrivals } = this.#memory;
    received.set(datagram);
    this.#writeArrival(0, peer.address, peer.port);
    arrivals[LENGTH_OF_ARRIVAL_AT] = datagram.length;
    const arriving = this.#arriving;
    for (let i = 1; i < RECEIVED_MOST; i++) arriving.expectName(i);
    const behind = this.#calls.receive(handle.fd, arriving.addressFrom(1), RECEIVED_MOST - 1);
    for (let i = 1; i <= behind; i++) {
      arriving.readName(i, arrivals, i * ARRIVAL_WORDS);
      arrivals[i * ARRIVAL_WORDS + LENGTH_OF_ARRIVAL_AT] = arriving.lengthOf(i);
    }
    this.#onEvent(number, 1 + Math.max(0, behind));
    if (behind < 0 && behind !== EAGAIN && behind !== EINTR) this.#onEvent(number, behind);
  }

  #writeArrival(index: number, host: string, port: number): void {
    const { arrivals } = this.#memory;
    arrivals[index * ARRIVAL_WORDS] = port;
    parseHostWords(host, arrivals, index * ARRIVAL_WORDS + 1);
  }

  /** Sends what is for the socket of departure `first`, from there on, in order. */
  #sendFrom(first: number, count: number): void {
    const { departures } = this.#memory;
    const number = departures[first * DEPARTURE_WORDS + SOCKET_AT] as number;
    const socket = this.#sockets[number];
    const departing = this.#departing;
    let length = 0;
    for (let i = first; i < count; i++) {
      const at = i * DEPARTURE_WORDS;
      if (departures[at + STATUS_AT] !== UNSETTLED || departures[at + SOCKET_AT] !== number) continue;
      departures[at + STATUS_AT] = socket === undefined ? EBADF : EAFNOSUPPORT;
      if (socket === undefined) continue;
      if (departures[at] === 0) departing.setNoName(length);
      else if (!departing.setName(length, socket.isIpv6, departures, at)) continue;
      const [offset, bytes] = [departures[at + OFFSET_AT] as number, departures[at + LENGTH_AT] as number];
      // Nothing else stands between these words and the rest of memory.
      if (!(offset >= 0 && bytes >= 0 && offset + bytes <= SENT_ROOM))
        throw new RangeError(`${bytes} bytes at ${offset} are not in ${SENT_ROOM}`);
      departing.setPart(length, this.#sentAt + offset, bytes);
      this.#batch[length++] = i;
    }
    if (socket !== undefined) this.#sendBatch(socket.handle.fd, length);
  }

  /** A datagram that fails costs itself only; when there is no room, there is none for those behind it either. */
  #sendBatch(descriptor: number, length: number): void {
    let at = 0;
    while (at < length) {
      const taken = this.#calls.send(descriptor, this.#departing.addressFrom(at), length - at);
      if (taken === EINTR) continue;
      const settled = taken > 0 ? taken : taken === EAGAIN ? length - at : 1;
      for (let end = at + settled; at < end; at++) {
        this.#memory.departures[(this.#batch[at] as number) * DEPARTURE_WORDS + STATUS_AT] = taken > 0 ? 0 : taken;
      }
    }
  }
}

/** Of this thread. Undefined where `node:ffi`, the system calls or libuv's handles are missing. */
export function createFfiDatagrams(calls = findSocketCalls()): FfiDatagrams | undefined {
  return calls === undefined || udpHandleApi === undefined ? undefined : new FfiDatagrams(calls, udpHandleApi);
}
