import { once } from "node:events";
import type { Socket } from "node:net";
import { socks5Request } from "@shadowfleet/testkit";
import type { LoadedFleet } from "../traffic/loaded-fleet.ts";
import { SOURCE_PORT } from "../traffic/target/ports.ts";

const DOWNLOADS = 8;
/** More than the buffers of all sockets on the way hold. */
const BYTES = 24_000_000;
const BYTES_PER_SECOND = 1_000_000_000;

/** Clients that ask for as much as they can get and do not read it. */
export class StuckDownloads {
  readonly #sockets: readonly Socket[];
  #received = 0;

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
  }

  static async start({ proxy, target }: LoadedFleet): Promise<StuckDownloads> {
    const sockets: Socket[] = [];
    for (let index = 0; index < DOWNLOADS; index++) {
      const { ok, reply, socket } = await socks5Request({ proxy, target: { host: target.host, port: SOURCE_PORT } });
      if (!ok) throw new Error(`SOCKS5 reply ${reply}`);
      socket.pause();
      socket.write(`${BYTES_PER_SECOND} ${BYTES}\n`);
      sockets.push(socket);
    }
    return new StuckDownloads(sockets);
  }

  get count(): number {
    return this.#sockets.length;
  }

  get received(): number {
    return this.#received;
  }

  /** Reads on until each is over; every byte must be there. */
  async finish(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => this.#readOut(socket)));
    if (this.#received !== BYTES * this.count) throw new Error(`${this.#received} bytes of ${BYTES * this.count} came`);
  }

  async #readOut(socket: Socket): Promise<void> {
    socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.length;
    });
    const ended = Promise.race([once(socket, "end"), once(socket, "close")]);
    socket.resume();
    await ended;
    socket.destroy();
  }
}
