const IP_TOTAL_LENGTH_MAX = 65_535;
const IPV4_HEADER_LENGTH = 20;
const UDP_HEADER_LENGTH = 8;

/** The most a datagram can carry over IPv4. IPv6 would allow 20 bytes more; one bound for both keeps an answer's fate independent of the path. */
export const MAX_DATAGRAM_LENGTH = IP_TOTAL_LENGTH_MAX - IPV4_HEADER_LENGTH - UDP_HEADER_LENGTH;

/** What the kernel has not taken yet. Beyond it datagrams are dropped, as a full interface queue would: memory stays bounded. */
export const MAX_PENDING_BYTES = 1024 * 1024;
export const MAX_PENDING_DATAGRAMS = 512;

export interface DatagramSocketOptions<Owner> {
  readonly family: 4 | 6;
  /** Literal address to bind, or to connect to. */
  readonly host: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  /** Connects to host and port instead of binding them: only the peer's datagrams arrive, and `sendToPeer` sends there. */
  readonly connects?: boolean;
  /** False: IPv4 peers are served by an IPv6 socket too; they are named by plain IPv4 addresses in and out. */
  readonly ipv6Only: boolean;
  /** Beside other sockets that share the port (SO_REUSEPORT): the kernel keeps each client at one of them. */
  readonly sharesPort?: boolean;
  /** Bytes the kernel is asked to buffer; it may grant less, silently. 0: its default. */
  readonly receiveBufferBytes: number;
  /** The datagram is overwritten when the call has returned. */
  readonly onDatagram: (datagram: Buffer, host: string, port: number) => void;
  /** The kernel has taken a datagram of `owner` that carried so many payload bytes. May be told before `send` returns. */
  readonly onSent: (owner: Owner, payloadBytes: number) => void;
  /** A datagram of `owner` was dropped. Undefined error: it never reached the kernel (too much waiting, closed, port 0). */
  readonly onSendFailed: (owner: Owner, error: Error | undefined) => void;
  /** The socket reported an error that belongs to no send. It is still open. */
  readonly onError: (error: Error) => void;
}

/** A UDP socket that sends to literal addresses, and says of each datagram whether the kernel took it. */
export interface DatagramSocket<Owner> {
  /** As bound. */
  readonly host: string;
  readonly port: number;
  /**
   * Sends the whole of `datagram`, which belongs to the socket from now on, to a literal address of the socket's family. Never throws.
   * Port 0, which a forged datagram can come from, cannot be sent to.
   */
  send(datagram: Buffer, host: string, port: number, owner: Owner, payloadBytes: number): void;
  /** The same to the peer of a connected socket. */
  sendToPeer(datagram: Buffer, owner: Owner, payloadBytes: number): void;
  /** Frees the port now. Nothing is reported afterwards but the outcome of sends already made. */
  close(): void;
}
