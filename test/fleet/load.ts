import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ReceivingTarget, socks5Request, startSinkTarget } from "@shadowfleet/testkit";

const WRITE = Buffer.alloc(16 * 1024, 0x5a);
const PAUSE_MS = 10;

export interface LoadOptions {
  /** SOCKS5 proxies, used in turn. */
  readonly proxies: readonly { readonly host: string; readonly port: number }[];
  readonly connections: number;
}

/** Steady uploads to a sink: what the sink received is what a relay must have counted. About 1.5 MB/s a connection. */
export class Load implements AsyncDisposable {
  readonly #sink: ReceivingTarget;
  readonly #sockets: Socket[];
  readonly #senders: Promise<void>[];
  #running = true;

  private constructor(sink: ReceivingTarget, sockets: Socket[]) {
    this.#sink = sink;
    this.#sockets = sockets;
    this.#senders = sockets.map((socket) => this.#send(socket));
  }

  static async start({ proxies, connections }: LoadOptions): Promise<Load> {
    const sink = await startSinkTarget();
    const sockets: Socket[] = [];
    for (let index = 0; index < connections; index++) {
      const proxy = proxies[index % proxies.length]!;
      const { ok, reply, socket } = await socks5Request({ proxy, target: sink });
      if (!ok) throw new Error(`SOCKS5 reply ${reply}`);
      sockets.push(socket);
    }
    return new Load(sink, sockets);
  }

  /** Bytes the sink has received so far. */
  get receivedBytes(): number {
    return this.#sink.receivedBytes;
  }

  /** Connections that are still there. */
  get alive(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  /** Ends every upload and waits until the sink has all of it; the bytes it received. */
  async finish(): Promise<number> {
    this.#running = false;
    await Promise.all(this.#senders);
    for (const socket of this.#sockets) if (!socket.destroyed) await this.#sink.received(20_000);
    return this.receivedBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.allSettled(this.#senders);
    await this.#sink.close();
  }

  async #send(socket: Socket): Promise<void> {
    socket.resume();
    while (this.#running && !socket.destroyed) {
      if (!socket.write(WRITE)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => undefined);
      await sleep(PAUSE_MS);
    }
    if (!socket.destroyed) socket.end();
  }
}
