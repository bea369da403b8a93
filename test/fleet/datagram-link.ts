import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { bindUdp, closeUdp, PseudoRandom } from "@shadowfleet/testkit";

const OF = 1_000_000;
/** A client that sends nothing for so long is forgotten, or a long run of ever new clients would run out of descriptors. */
const IDLE_MS = 60_000;

interface Behind {
  readonly socket: Promise<Socket>;
  readonly idle: NodeJS.Timeout;
}

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
  readonly #behind = new Map<string, Behind>();
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
      behind = { socket: this.#open(address, port), idle: setTimeout(() => void this.#forget(client), IDLE_MS).unref() };
      this.#behind.set(client, behind);
    }
    behind.idle.refresh();
    (await behind.socket).send(datagram, this.#options.port, this.#options.toHost, () => {});
  }

  async #forget(client: string): Promise<void> {
    const behind = this.#behind.get(client);
    this.#behind.delete(client);
    clearTimeout(behind?.idle);
    if (behind) await closeUdp(await behind.socket);
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
    for (const client of [...this.#behind.keys()]) await this.#forget(client);
  }
}
