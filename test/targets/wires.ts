import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { systemEnvironment } from "@shadowfleet/runtime";
import { type ClientPacketCodec, createClientPacketCodec, createClientStream, deriveCredential } from "@shadowfleet/wire";
import { asSent } from "./target-table.ts";

export const METHOD = "chacha20-ietf-poly1305";

const credentialOf = (secret: string) => {
  const derived = deriveCredential(METHOD, secret);
  if (!derived.ok) throw new Error(derived.reason);
  return derived.credential;
};

/** A client that asks for any target, sensible or not, and sees only whether and how the relay closes. */
export class TcpAsker implements Disposable {
  readonly closed: Promise<unknown>;
  readonly #socket: Socket;

  constructor(port: number, secret: string, host: string, targetPort: number) {
    const request = createClientStream(credentialOf(secret), systemEnvironment).sealRequest(asSent(host, targetPort), Buffer.from("hello"));
    this.#socket = connect({ host: "127.0.0.1", port });
    this.#socket.on("error", () => undefined);
    this.#socket.write(request);
    // `once` of node:events would reject with the reset, which is what is waited for.
    this.closed = new Promise((resolve) => this.#socket.once("close", resolve));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The same over UDP; keeps the answers' payloads. */
export class UdpAsker implements Disposable {
  readonly answers: string[] = [];
  readonly #socket: DatagramSocket = createSocket("udp4");
  readonly #codec: ClientPacketCodec;
  readonly #port: number;

  constructor(port: number, secret: string) {
    this.#port = port;
    this.#codec = createClientPacketCodec(credentialOf(secret), systemEnvironment);
    this.#socket.on("message", (datagram) => {
      const opened = this.#codec.open(datagram);
      if (opened.ok) this.answers.push(opened.payload.toString());
    });
  }

  send(host: string, targetPort: number, payload = "hello"): void {
    this.#socket.send(this.#codec.seal(asSent(host, targetPort), Buffer.from(payload)), this.#port, "127.0.0.1");
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Listens where nobody may get: counts who did, with TCP and with UDP on one port. */
export class Tripwire implements AsyncDisposable {
  hits = 0;
  readonly #tcp = createServer((socket) => {
    this.hits += 1;
    socket.destroy();
  });
  readonly #udp = createSocket("udp4");

  static async start(host: string, port = 0): Promise<Tripwire> {
    const wire = new Tripwire();
    wire.#tcp.listen(port, host);
    await once(wire.#tcp, "listening");
    wire.#udp.on("message", () => {
      wire.hits += 1;
    });
    wire.#udp.bind(wire.port, host);
    await once(wire.#udp, "listening");
    return wire;
  }

  get port(): number {
    return (this.#tcp.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close();
    await new Promise((resolve) => this.#tcp.close(resolve));
  }
}
