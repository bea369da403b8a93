import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { withDeadline } from "@shadowfleet/testkit";

/** An old script: sends datagrams to the management port and reads what comes back. */
export class DatagramClient implements AsyncDisposable {
  readonly #socket: Socket = createSocket("udp4");
  readonly #received: Buffer[] = [];
  readonly #waiting: ((message: Buffer) => void)[] = [];
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on("message", (message) => {
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#received.push(message);
    });
  }

  send(message: string | Buffer): void {
    this.#socket.send(message, this.#port, "127.0.0.1");
  }

  /** The next datagram as text; rejects at the deadline. */
  receive(deadlineMs = 3_000): Promise<string> {
    const ready = this.#received.shift();
    const next = ready ? Promise.resolve(ready) : new Promise<Buffer>((resolve) => void this.#waiting.push(resolve));
    return withDeadline(next, deadlineMs, "a datagram").then((message) => message.toString("utf8"));
  }

  async ask(message: string | Buffer, deadlineMs?: number): Promise<string> {
    this.send(message);
    return this.receive(deadlineMs);
  }

  /** Datagrams that came and were not read. */
  get unread(): readonly string[] {
    return this.#received.map((message) => message.toString("utf8"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}
