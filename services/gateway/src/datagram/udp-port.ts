import type { Logger } from "@shadowfleet/runtime";
import { type DatagramSocket, type DatagramSocketOptions, openDatagramSocket } from "@shadowfleet/transport";
import type { TargetAddress } from "@shadowfleet/wire";
import { formatDatagram, openDatagram } from "../front/socks5-datagram.ts";
import type { PacketCounts } from "./packet-counts.ts";
import { RECEIVE_BUFFER_BYTES, sendFailure } from "./send-outcome.ts";

/** The client of an association, as the UDP port knows it. */
export interface DatagramClient {
  /** Only datagrams from this address are the client's: it is where its control connection comes from. */
  readonly clientHost: string;
  /** The port it sends from: as announced, else 0 until its first datagram tells. Set by the UDP port. */
  clientPort: number;
  /** `payload` is overwritten when the call has returned. */
  onDatagram(target: TargetAddress, payload: Buffer): void;
  /** Exactly once after `attach`: nothing is routed to it any more. */
  onDetached(): void;
}

/** Clients of one address that may have got each other's sender. */
interface DoubtfulGroup {
  /** Whose control connections are open. */
  readonly open: Set<DatagramClient>;
  /** Whose control connections have ended, but whose senders may belong to one of the open ones. */
  readonly left: Set<DatagramClient>;
}

export interface UdpPortOptions {
  readonly host: string;
  /** Tried first; when it is taken, the kernel chooses another. */
  readonly port: number;
  readonly packets: PacketCounts;
  readonly logger: Logger;
}

/**
 * The one UDP port of a listener, shared by all its clients (RFC 1928 §7). Datagrams find their association by sender: address and port
 * where the client announced a port, else the first datagram from the client's address that no other association owns.
 *
 * When several associations of one address wait for their first datagram, they may get each other's. It makes no difference while they last,
 * but ending one must not silence another: a sender got in doubt stays until the last association it could belong to has ended.
 */
export class UdpPort {
  readonly #socket: DatagramSocket<undefined>;
  readonly #packets: PacketCounts;
  readonly #bound = new Map<string, DatagramClient>();
  /** By address, oldest first: associations whose port is not known yet. */
  readonly #waiting = new Map<string, DatagramClient[]>();
  /** By address. */
  readonly #doubtful = new Map<string, DoubtfulGroup>();
  #closing = false;

  /** Binds. Throws the system's error. */
  constructor({ host, port, packets, logger }: UdpPortOptions) {
    this.#packets = packets;
    const options = {
      onDatagram: (datagram: Buffer, from: string, fromPort: number) => this.#receive(datagram, from, fromPort),
      onSent: () => packets.count("down", "OK"),
      onSendFailed: (_owner: undefined, error: Error | undefined) => packets.count("down", sendFailure(error)),
      onError: (error: Error) => logger.debug({ code: "UDP_SEND_FAILED", err: error }, "the UDP port reported an error"),
    };
    this.#socket = bindNear(host, port, options);
  }

  get port(): number {
    return this.#socket.port;
  }

  get clients(): number {
    let count = this.#bound.size;
    for (const waiting of this.#waiting.values()) count += waiting.length;
    return count;
  }

  /** A client that announces the address and port of another one takes its place: it is likelier the same program again than a second one. */
  attach(client: DatagramClient): void {
    if (client.clientPort !== 0) {
      const key = senderKey(client.clientHost, client.clientPort);
      const former = this.#bound.get(key);
      this.#bound.set(key, client);
      former?.onDetached();
      return;
    }
    const waiting = this.#waiting.get(client.clientHost);
    if (waiting) waiting.push(client);
    else this.#waiting.set(client.clientHost, [client]);
  }

  /** Its control connection has ended. */
  detach(client: DatagramClient): void {
    const group = this.#doubtful.get(client.clientHost);
    if (!group?.open.delete(client)) {
      this.drop(client);
      return;
    }
    if (group.open.size > 0) {
      if (this.#isBound(client)) group.left.add(client);
      else this.drop(client);
      return;
    }
    this.#doubtful.delete(client.clientHost);
    for (const other of [client, ...group.left]) this.drop(other);
  }

  /** Ends it now, whoever its sender belongs to. */
  drop(client: DatagramClient): void {
    const wasBound = this.#isBound(client);
    if (wasBound) this.#bound.delete(senderKey(client.clientHost, client.clientPort));
    this.#doubtful.get(client.clientHost)?.left.delete(client);
    if (this.#stopWaiting(client) || wasBound) client.onDetached();
    if (this.#closing && this.clients === 0) this.#socket.close();
  }

  /** Sends an answer to the client; dropped while its port is unknown. */
  send(client: DatagramClient, source: TargetAddress, payload: Buffer): void {
    if (client.clientPort === 0) this.#packets.count("down", "UDP_SEND_FAILED");
    else this.#socket.send(formatDatagram(source, payload), client.clientHost, client.clientPort, undefined, 0);
  }

  /** Frees the port once the last association has ended. */
  close(): void {
    this.#closing = true;
    if (this.clients === 0) this.#socket.close();
  }

  #receive(datagram: Buffer, host: string, port: number): void {
    const client = this.#bound.get(senderKey(host, port)) ?? this.#waiting.get(host)?.[0];
    if (!client) {
      this.#packets.count("up", "PROXY_AUTH_FAILED");
      return;
    }
    const opened = openDatagram(datagram);
    if (!opened.ok) {
      this.#packets.count("up", opened.code);
      return;
    }
    // Only a valid datagram binds, so that junk does not take an association from its client.
    if (client.clientPort === 0) this.#bind(client, port);
    client.onDatagram(opened.target, opened.payload);
  }

  #isBound(client: DatagramClient): boolean {
    return this.#bound.get(senderKey(client.clientHost, client.clientPort)) === client;
  }

  #bind(client: DatagramClient, port: number): void {
    const { clientHost } = client;
    const waiting = this.#waiting.get(clientHost) ?? [];
    if (waiting.length > 1) {
      const group = this.#doubtful.get(clientHost) ?? { open: new Set(), left: new Set() };
      this.#doubtful.set(clientHost, group);
      for (const candidate of waiting) group.open.add(candidate);
    }
    this.#stopWaiting(client);
    client.clientPort = port;
    this.#bound.set(senderKey(clientHost, port), client);
  }

  /** Whether it was waiting. */
  #stopWaiting(client: DatagramClient): boolean {
    const waiting = this.#waiting.get(client.clientHost) ?? [];
    const left = waiting.filter((other) => other !== client);
    if (left.length > 0) this.#waiting.set(client.clientHost, left);
    else this.#waiting.delete(client.clientHost);
    return left.length < waiting.length;
  }
}

function senderKey(host: string, port: number): string {
  return `${host} ${port}`;
}

type Handlers = Pick<DatagramSocketOptions<undefined>, "onDatagram" | "onSent" | "onSendFailed" | "onError">;

/** The listener's own number where it is free, which is what firewalls and people expect. */
function bindNear(host: string, port: number, handlers: Handlers): DatagramSocket<undefined> {
  const isIpv6 = host.includes(":");
  const options = {
    ...handlers,
    family: isIpv6 ? 6 : 4,
    host,
    ipv6Only: isIpv6 && host !== "::",
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
  } as const;
  try {
    return openDatagramSocket({ ...options, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return openDatagramSocket({ ...options, port: 0 });
  }
}
