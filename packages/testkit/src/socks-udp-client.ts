import type { Socket as UdpSocket } from "node:dgram";
import type { Socket } from "node:net";
import type { LoopbackHost } from "./loopback-server.ts";
import { ResultQueue } from "./result-queue.ts";
import { decodeSocksAddress, encodeSocksAddress, type SocksEndpoint } from "./socks-address.ts";
import { type ProxyRequest, SOCKS5_UDP_ASSOCIATE, type Socks5Answer, socks5Request } from "./socks-client.ts";
import { bindUdp, closeUdp } from "./udp-targets.ts";

/** RSV and FRAG in front of the address of every datagram (RFC 1928 §7). */
const PREFIX_LENGTH = 2 + 1;

/** A datagram as SOCKS5 wraps it. `fragment` other than 0 is for testing that it is refused. */
export function wrapDatagram(target: SocksEndpoint, payload: Buffer, fragment = 0, asName = false): Buffer {
  return Buffer.concat([Buffer.from([0, 0, fragment]), encodeSocksAddress(target, asName), payload]);
}

export interface SocksDatagram {
  /** Who sent it, as the proxy says. */
  readonly source: SocksEndpoint;
  readonly payload: Buffer;
}

/** Takes the wrapping off; throws a RangeError when it is not well-formed or a fragment. */
export function unwrapDatagram(datagram: Buffer): SocksDatagram {
  if (datagram.length < PREFIX_LENGTH + 2) throw new RangeError("SOCKS datagram too short");
  if (datagram.readUInt16BE(0) !== 0 || datagram[2] !== 0) throw new RangeError("SOCKS datagram with RSV or FRAG set");
  const { host, port, next } = decodeSocksAddress(datagram, PREFIX_LENGTH);
  return { source: { host, port }, payload: datagram.subarray(next) };
}

/** A UDP association: it lives as long as its TCP connection. `await using` ends both. */
export class SocksAssociation implements AsyncDisposable {
  /** The TCP connection that keeps the association. */
  readonly control: Socket;
  /** Where wrapped datagrams go. */
  readonly relay: SocksEndpoint;
  readonly #socket: UdpSocket;
  readonly #results = new ResultQueue<Buffer>();

  /** Use `socks5Associate`. */
  constructor(control: Socket, relay: SocksEndpoint, socket: UdpSocket) {
    this.control = control;
    this.relay = relay;
    this.#socket = socket;
    socket.on("message", (datagram) => this.#results.push(datagram));
  }

  /** The port its datagrams come from. */
  get localPort(): number {
    return this.#socket.address().port;
  }

  send(target: SocksEndpoint, payload: Buffer, options: { readonly fragment?: number; readonly asName?: boolean } = {}): void {
    this.sendRaw(wrapDatagram(target, payload, options.fragment, options.asName));
  }

  /** Sends bytes to the relay as they are. */
  sendRaw(datagram: Buffer): void {
    this.#socket.send(datagram, this.relay.port, this.relay.host);
  }

  /** The next datagram from the relay, unwrapped. */
  async receive(deadlineMs?: number): Promise<SocksDatagram> {
    return unwrapDatagram(await this.#results.next("a datagram from the SOCKS relay", deadlineMs));
  }

  /** Datagrams that came and were not taken. */
  get waiting(): number {
    return this.#results.size;
  }

  async close(): Promise<void> {
    this.control.destroy();
    await closeUdp(this.#socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Thrown when the proxy refuses the association. */
export class AssociateRefusedError extends Error {
  readonly answer: Socks5Answer;

  constructor(answer: Socks5Answer) {
    super(`UDP ASSOCIATE refused with ${answer.reply}`);
    this.answer = answer;
  }
}

export interface AssociateRequest extends Omit<ProxyRequest, "target" | "early"> {
  /** Address family of our UDP socket. Default 127.0.0.1. */
  readonly localHost?: LoopbackHost;
}

/** UDP ASSOCIATE (RFC 1928 §7), announcing no address of ours. An unspecified relay address means the proxy's own. */
export async function socks5Associate(request: AssociateRequest): Promise<SocksAssociation> {
  const localHost = request.localHost ?? "127.0.0.1";
  const anyAddress = localHost === "::1" ? "::" : "0.0.0.0";
  const answer = await socks5Request({ ...request, command: SOCKS5_UDP_ASSOCIATE, target: { host: anyAddress, port: 0 } });
  if (!answer.ok || !answer.bound) {
    answer.socket.destroy();
    throw new AssociateRefusedError(answer);
  }
  const { host, port } = answer.bound;
  const relay = { host: host === "0.0.0.0" || host === "::" ? request.proxy.host : host, port };
  answer.socket.resume();
  return new SocksAssociation(answer.socket, relay, await bindUdp({ host: localHost }));
}
