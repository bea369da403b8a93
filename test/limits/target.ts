import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { startTcpTarget, type TcpTarget } from "@shadowfleet/testkit";

const BLOCK = Buffer.alloc(64 * 1024, 0x5a);

/** What came in the name of one key, over all its connections. */
export interface Arrivals {
  /** Payload bytes, first lines included. */
  bytes: number;
  /** When the last of them came; performance.now(). */
  lastMs: number;
}

/**
 * A connection begins with a line: "D" or "U" and a name to count by. Sends for ever to the first, takes from both. Sends every datagram back; its
 * name is what it begins with.
 */
export class Target {
  readonly #arrivals = new Map<string, Arrivals>();
  readonly tcp: TcpTarget;
  readonly udp: { readonly host: string; readonly port: number };
  readonly #socket: DatagramSocket;

  private constructor(tcp: TcpTarget, socket: DatagramSocket) {
    this.tcp = tcp;
    this.#socket = socket;
    this.udp = { host: "127.0.0.1", port: socket.address().port };
  }

  static async start(): Promise<Target> {
    const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    socket.on("message", (payload, { address, port }) => {
      target.#count(nameIn(payload), payload.length);
      socket.send(payload, port, address);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const tcp = await startTcpTarget((connection) => serve(connection, (name, bytes) => target.#count(name, bytes)));
    const target = new Target(tcp, socket);
    return target;
  }

  arrivals(name: string): Arrivals {
    const known = this.#arrivals.get(name) ?? { bytes: 0, lastMs: 0 };
    this.#arrivals.set(name, known);
    return known;
  }

  #count(name: string, bytes: number): void {
    const arrivals = this.arrivals(name);
    arrivals.bytes += bytes;
    arrivals.lastMs = performance.now();
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.tcp.close();
  }
}

function serve(socket: Socket, count: (name: string, bytes: number) => void): void {
  socket.on("error", () => {});
  socket.once("data", (first: Buffer) => {
    const name = nameIn(first.subarray(1));
    count(name, first.length);
    socket.on("data", (chunk: Buffer) => count(name, chunk.length));
    if (first.toString("latin1", 0, 1) === "D") sendForever(socket);
  });
}

const nameIn = (bytes: Buffer): string => bytes.toString("latin1", 0, bytes.indexOf("\n"));

export function sendForever(socket: Socket, next: () => Buffer = () => BLOCK): void {
  const more = (): void => {
    while (socket.writable && socket.write(next()));
  };
  socket.on("drain", more);
  more();
}
