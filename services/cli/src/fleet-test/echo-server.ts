import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { HostPort } from "@shadowfleet/runtime";

/** Sends back what it gets, TCP and UDP on one port number. */
export class EchoServer implements AsyncDisposable {
  readonly #tcp: Server;
  readonly #udp: UdpSocket | undefined;
  readonly #connections = new Set<Socket>();

  private constructor(tcp: Server, udp: UdpSocket | undefined) {
    this.#tcp = tcp;
    this.#udp = udp;
    tcp.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
      // Whoever waits for the echo sees the connection end.
      socket.on("error", () => socket.destroy());
      socket.pipe(socket);
    });
    udp?.on("message", (datagram, { address, port }) => udp.send(datagram, port, address));
    udp?.on("error", () => {});
  }

  /** Rejects with the system's error when it cannot listen there. */
  static async start({ host, port }: HostPort, withUdp: boolean): Promise<EchoServer> {
    const tcp = createServer({ allowHalfOpen: true, noDelay: true });
    const udp = withUdp ? createSocket(host.includes(":") ? "udp6" : "udp4") : undefined;
    try {
      tcp.listen({ host, port });
      await once(tcp, "listening");
      udp?.bind({ address: host, port });
      if (udp) await once(udp, "listening");
      return new EchoServer(tcp, udp);
    } catch (error) {
      tcp.close();
      udp?.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#tcp, "close");
    this.#tcp.close();
    for (const socket of this.#connections) socket.destroy();
    this.#udp?.close();
    await closed;
  }
}
