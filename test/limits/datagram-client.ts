import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { systemEnvironment } from "@shadowfleet/runtime";
import { addressFrom, type Credential, createClientPacketCodec } from "@shadowfleet/wire";

export interface DatagramClientOptions {
  /** Of the relay. */
  readonly host: string;
  readonly port: number;
  readonly credential: Credential;
  readonly target: { readonly host: string; readonly port: number };
  /** Payload. */
  readonly bytesPerSecond: number;
  /** What the target counts it by. */
  readonly name: string;
}

const PAYLOAD_BYTES = 1200;
const TICK_MS = 5;

/** An association that sends at a steady pace whatever comes back. */
export class DatagramClient {
  /** Payload bytes that came back. */
  received = 0;
  /** When the last of them came; performance.now(). */
  lastMs = 0;
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;

  static async open(options: DatagramClientOptions): Promise<DatagramClient> {
    const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new DatagramClient(socket, options);
  }

  private constructor(socket: Socket, { host, port, credential, target, bytesPerSecond, name }: DatagramClientOptions) {
    const codec = createClientPacketCodec(credential, systemEnvironment);
    const address = addressFrom(target.host, target.port)!;
    const payload = Buffer.from(`${name}\n`.padEnd(PAYLOAD_BYTES, "Z"));
    const startedMs = performance.now();
    let sent = 0;
    this.#socket = socket;
    socket.on("message", (datagram) => {
      const answer = codec.open(datagram);
      if (!answer.ok) return;
      this.received += answer.payload.length;
      this.lastMs = performance.now();
    });
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedMs) / 1000) * bytesPerSecond;
      for (; sent < due; sent += payload.length) socket.send(codec.seal(address, payload), port, host);
    }, TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }
}
