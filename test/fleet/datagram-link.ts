import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { bindUdp, closeUdp, PseudoRandom } from "@shadowfleet/testkit";

const OF = 1_000_000;

export interface DatagramLinkOptions {
  readonly host: string;
  /** Of both sides. */
  readonly port: number;
  readonly toHost: string;
  readonly seed: number;
}

/** A UDP proxy in a test's hands that loses datagrams both ways. Every client has a socket of its own behind it, so that answers find their way. */
export class DatagramLink implements AsyncDisposable {
  readonly #options: DatagramLinkOptions;
  readonly #random: PseudoRandom;
  readonly #front: Socket;
  readonly #behind = new Map<string, Promise<Socket>>();
  #lossShare = 0;
  #lost = 0;

  private constructor(front: Socket, options: DatagramLinkOptions) {
    this.#front = front;
    this.#options = options;
    this.#random = new PseudoRandom(options.seed);
    front.on("message", (datagram, { address, port }) => void this.#forward(datagram, address, port));
  }

  static async start(options: DatagramLinkOptions): Promise<DatagramLink> {
    const front = createSocket("udp4");
    front.bind(options.port, options.host);
    await once(front, "listening");
    return new DatagramLink(front, options);
  }

  /** Datagrams lost so far, of both ways. */
  get lost(): number {
    return this.#lost;
  }

  /** From 0 to 1. */
  set lossShare(share: number) {
    this.#lossShare = share;
  }

  async #forward(datagram: Buffer, address: string, port: number): Promise<void> {
    if (this.#loses()) return;
    const client = `${address}:${port}`;
    let behind = this.#behind.get(client);
    if (!behind) {
      behind = this.#open(address, port);
      this.#behind.set(client, behind);
    }
    (await behind).send(datagram, this.#options.port, this.#options.toHost, () => {});
  }

  async #open(address: string, port: number): Promise<Socket> {
    const socket = await bindUdp({ host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("message", (answer) => {
      if (!this.#loses()) this.#front.send(answer, port, address, () => {});
    });
    return socket;
  }

  #loses(): boolean {
    const loses = this.#lossShare > 0 && this.#random.below(OF) < this.#lossShare * OF;
    if (loses) this.#lost++;
    return loses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeUdp(this.#front);
    for (const socket of await Promise.all(this.#behind.values())) await closeUdp(socket);
  }
}
