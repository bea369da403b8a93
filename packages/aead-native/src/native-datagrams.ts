/** Words of an entry of `arrivals`: port, scope, four of the address, length, one unused. */
export const ARRIVAL_WORDS = 8;
/** Words of an entry of `departures`: port, scope, four of the address, socket, offset, length, status. */
export const DEPARTURE_WORDS = 10;
/** Bytes from one received datagram to the next. */
export const RECEIVED_SLOT = 65_536 + 2048 + 64;

/**
 * What the sockets of a thread share with the addon, as native/datagrams.h has it. Port, scope and address of an entry are an endpoint: the
 * address in network order, IPv4 as the IPv6 address that stands for it.
 */
export interface DatagramMemory {
  /** Datagrams received, each in a slot of its own; overwritten by the next event. */
  readonly received: Uint8Array<ArrayBuffer>;
  readonly arrivals: Int32Array;
  /** Datagrams to send, where `departures` says. */
  readonly sent: Uint8Array<ArrayBuffer>;
  /** A port of 0: to the peer of a connected socket. The status is written by `sendDatagrams`: 0, or a negative errno. */
  readonly departures: Int32Array;
}

/**
 * UDP sockets that receive and send many datagrams in one system call (native/datagram-calls.c). Every argument is checked; a socket is a number,
 * until it is closed.
 */
export interface NativeDatagrams {
  /**
   * Once in a thread. `onEvent`: so many datagrams of `socket` lie in the memory; negative: receiving failed with that errno; 0: there is room to
   * send. Throws where the kernel lacks the system calls.
   */
  startDatagrams(onEvent: (socket: number, count: number) => void): DatagramMemory;
  /** A socket, whose own endpoint is in the first of `arrivals`; or a negative errno. `connects`: to the address, instead of bound to it. */
  openDatagramSocket(
    host: string,
    port: number,
    isIpv6: boolean,
    ipv6Only: boolean,
    sharesPort: boolean,
    connects: boolean,
    receiveBufferBytes: number,
  ): number;
  /** Frees the port now. */
  closeDatagramSocket(socket: number): void;
  /** Whether to tell when there is room to send. */
  awaitRoom(socket: number, awaits: boolean): void;
  /** Sends the first `count` of `departures`; says how many the kernel did not take. */
  sendDatagrams(count: number): number;
  /** The literal address an entry of `arrivals` came from. */
  hostOfArrival(arrival: number): string;
  /** Whether `host` is a literal address; then its endpoint is in the first of `departures`, but for the port. */
  parseHost(host: string): boolean;
}
