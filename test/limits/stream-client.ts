import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { systemEnvironment } from "@shadowfleet/runtime";
import { addressFrom, type ClientStream, type Credential, createClientStream, FAILED } from "@shadowfleet/wire";
import { sendForever } from "./target.ts";

export interface StreamClientOptions {
  /** Of the relay. */
  readonly host: string;
  readonly port: number;
  /** The client's own address. */
  readonly from: string;
  readonly credential: Credential;
  readonly target: { readonly host: string; readonly port: number };
  readonly direction: "up" | "down" | "quiet";
  /** What the target counts it by. */
  readonly name: string;
}

const PIECE = Buffer.alloc(16 * 1024, 0x5a);

/** A Shadowsocks connection that downloads or uploads as fast as it may, or stands still. */
export class StreamClient {
  /** Payload bytes that came. */
  received = 0;
  /** When the last of them came; performance.now(). */
  lastMs = 0;
  /** When it was over; performance.now(). */
  readonly closed: Promise<number>;
  closedMs: number | undefined;
  readonly #socket: Socket;
  readonly #stream: ClientStream;

  static async open(options: StreamClientOptions): Promise<StreamClient> {
    const socket = connect({ host: options.host, port: options.port, localAddress: options.from, noDelay: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    return new StreamClient(socket, options);
  }

  private constructor(socket: Socket, { credential, target, direction, name }: StreamClientOptions) {
    this.#socket = socket;
    this.#stream = createClientStream(credential, systemEnvironment);
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.closedMs = performance.now();
        resolve(this.closedMs);
      });
    });
    socket.on("data", (sealed: Buffer) => this.#open(sealed));
    const first = Buffer.from(`${direction === "down" ? "D" : "U"}${name}\n`);
    socket.write(this.#stream.sealRequest(addressFrom(target.host, target.port)!, first));
    if (direction === "up") sendForever(socket, () => this.#seal(PIECE));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #open(sealed: Buffer): void {
    const { opener } = this.#stream;
    const plain = Buffer.alloc(opener.bound(sealed.length));
    const length = opener.push(sealed, 0, sealed.length, plain, 0);
    if (length === FAILED) throw new Error(`the relay's answer does not open: ${opener.failure}`);
    this.received += length;
    this.lastMs = performance.now();
  }

  #seal(plain: Buffer): Buffer {
    const { sealer } = this.#stream;
    const sealed = Buffer.alloc(sealer.bound(plain.length));
    return sealed.subarray(0, sealer.push(plain, 0, plain.length, sealed, 0));
  }
}
