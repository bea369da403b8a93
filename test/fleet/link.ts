import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a link does with bytes. `hold`: keeps them, in both directions, as a network that drops every packet. `lose-answers`: ends connections with their answers. */
export type LinkMode = "pass" | "hold" | "lose-answers";

export interface LinkOptions {
  /** Of what it stands before. Default 127.0.0.1. */
  readonly toHost?: string;
  readonly toPort: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** A TCP proxy in a test's hands: the network between two parts of a fleet. */
export class Link implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #onPass = new Set<() => void>();
  #mode: LinkMode = "pass";
  #delayMs = 0;
  #lostBytes = 0;

  private constructor(server: Server, { toHost = "127.0.0.1", toPort }: LinkOptions) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    server.on("connection", (client: Socket) =>
      this.#join(client, connect({ host: toHost, port: toPort, noDelay: true, allowHalfOpen: true })),
    );
  }

  static async start(options: LinkOptions): Promise<Link> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    server.listen({ host: options.host ?? "127.0.0.1", port: options.port ?? 0 });
    await once(server, "listening");
    return new Link(server, options);
  }

  /** Bytes of answers that were lost. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  get mode(): LinkMode {
    return this.#mode;
  }

  set mode(mode: LinkMode) {
    this.#mode = mode;
    if (mode !== "hold") for (const go of this.#onPass) go();
  }

  /** Every byte takes so much longer, each way. */
  set delayMs(ms: number) {
    this.#delayMs = ms;
  }

  #join(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    void this.#carry(client, server, false);
    void this.#carry(server, client, true);
  }

  /** One direction, in order. Without a delay the backpressure of the slower side goes through. */
  async #carry(from: Socket, to: Socket, isAnswers: boolean): Promise<void> {
    let latest: Promise<void> = Promise.resolve();
    const inOrder = (deliver: () => unknown): Promise<void> => {
      const dueMs = performance.now() + this.#delayMs;
      latest = latest.then(async () => {
        if (dueMs > performance.now()) await sleep(dueMs - performance.now());
        await this.#passes();
        await deliver();
      });
      return latest;
    };
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        const delivered = inOrder(() => this.#deliver(chunk as Buffer, to, isAnswers));
        if (this.#delayMs === 0) await delivered;
      }
      await inOrder(() => to.end());
    } catch {
      to.destroy();
    }
  }

  async #deliver(chunk: Buffer, to: Socket, isAnswers: boolean): Promise<void> {
    if (this.#mode === "lose-answers" && isAnswers) {
      this.#lostBytes += chunk.length;
      to.destroy();
    } else if (to.writable && !to.write(chunk)) {
      await Promise.race([once(to, "drain"), once(to, "close")]);
    }
  }

  #passes(): Promise<void> | undefined {
    if (this.#mode !== "hold") return undefined;
    return new Promise((resolve) => {
      const go = (): void => {
        this.#onPass.delete(go);
        resolve();
      };
      this.#onPass.add(go);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mode = "pass";
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
