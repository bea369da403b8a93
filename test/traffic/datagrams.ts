import { setTimeout as sleep } from "node:timers/promises";
import { bindUdp, SOCKS5_UDP_ASSOCIATE, SocksAssociation, type SocksEndpoint, socks5Request } from "@shadowfleet/testkit";
import { ECHO_PORT } from "./target/ports.ts";

export const DATAGRAM_LENGTH = 200;
const ANSWER_WAIT_MS = 5_000;
const ASSOCIATE_DEADLINE_MS = 5_000;

export interface DatagramOptions {
  readonly proxy: () => SocksEndpoint;
  /** The gateway's UDP port as this machine reaches it, whatever the gateway itself says its address is. */
  readonly udpProxy: () => SocksEndpoint;
  readonly target: string;
  readonly everyMs: number;
  /** After so long a datagram counts as unanswered. Default 5 s. */
  readonly answerWaitMs?: number;
}

export async function associateThrough({ proxy, udpProxy }: Pick<DatagramOptions, "proxy" | "udpProxy">): Promise<SocksAssociation> {
  const target = { host: "0.0.0.0", port: 0 };
  const request = { proxy: proxy(), command: SOCKS5_UDP_ASSOCIATE, target, deadlineMs: ASSOCIATE_DEADLINE_MS };
  const { ok, reply, socket } = await socks5Request(request);
  if (!ok) {
    socket.destroy();
    throw new Error(`SOCKS5 reply ${reply}`);
  }
  socket.resume();
  return new SocksAssociation(socket, udpProxy(), await bindUdp({ host: "127.0.0.1" }));
}

/** Datagrams to the echo at a steady rate, one at a time; after one without an answer a new association is made, as programs do. */
export class Datagrams {
  readonly #options: DatagramOptions;
  readonly #loop: Promise<void>;
  readonly #lostStartsMs: number[] = [];
  #association: SocksAssociation | undefined;
  #isRunning = true;
  #sent = 0;
  #received = 0;

  constructor(options: DatagramOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  get sent(): number {
    return this.#sent;
  }

  /** When those without an answer were sent, or could not be. */
  get lostStartsMs(): readonly number[] {
    return this.#lostStartsMs;
  }

  /** Payload bytes that came back. */
  get received(): number {
    return this.#received;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
    await this.#association?.close();
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const startedMs = performance.now();
      this.#sent++;
      try {
        await this.#exchange(Buffer.from(`datagram ${this.#sent}`.padEnd(DATAGRAM_LENGTH, ".")));
      } catch {
        this.#lostStartsMs.push(startedMs);
        await this.#association?.close();
        this.#association = undefined;
      }
      await sleep(this.#options.everyMs);
    }
  }

  async #exchange(payload: Buffer): Promise<void> {
    this.#association ??= await associateThrough(this.#options);
    this.#association.send({ host: this.#options.target, port: ECHO_PORT }, payload);
    const answer = await this.#association.receive(this.#options.answerWaitMs ?? ANSWER_WAIT_MS);
    this.#received += answer.payload.length;
    if (!answer.payload.equals(payload)) throw new Error("another payload came back");
  }
}
