import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { HostPort } from "@shadowfleet/runtime";
import { unwrapDatagram, wrapDatagram } from "./socks-request.ts";

const RESEND_AFTER_MS = 1_000;

/** Datagrams to one target by way of a SOCKS proxy. */
export class DatagramFlow implements Disposable {
  readonly #socket: Socket;
  readonly #target: HostPort;

  private constructor(socket: Socket, target: HostPort) {
    this.#socket = socket;
    this.#target = target;
    // The ICMP answer to a datagram: the next one may do better, and the deadline ends it.
    socket.on("error", () => {});
  }

  static async open(proxy: HostPort, target: HostPort): Promise<DatagramFlow> {
    const socket = createSocket(isIPv6(proxy.host) ? "udp6" : "udp4");
    const connected = once(socket, "connect");
    socket.connect(proxy.port, proxy.host);
    await connected;
    return new DatagramFlow(socket, target);
  }

  /** Sends the payload again and again until it has come back; how often that was. */
  async exchange(payload: Buffer, signal: AbortSignal): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const datagram = wrapDatagram(this.#target, payload);
    const onMessage = (answer: Buffer): void => {
      if (unwrapDatagram(answer)?.equals(payload)) resolve();
    };
    const onAbort = (): void => reject(signal.reason);
    let sent = 0;
    const send = (): void => {
      sent++;
      this.#socket.send(datagram);
    };
    const timer = setInterval(send, RESEND_AFTER_MS);
    signal.addEventListener("abort", onAbort);
    this.#socket.on("message", onMessage);
    try {
      send();
      await promise;
      return sent;
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", onAbort);
      this.#socket.off("message", onMessage);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
