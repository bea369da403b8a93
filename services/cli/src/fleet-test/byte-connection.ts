import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { HostPort } from "@shadowfleet/runtime";

/** The peer ended the connection, or broke it, before all that was waited for had come. */
export class ConnectionEndedError extends Error {
  constructor(cause: Error | undefined) {
    super("the connection ended", { cause });
    this.name = "ConnectionEndedError";
  }
}

/** A TCP connection that is read by the number of bytes. Every wait rejects when `signal` is aborted. */
export class ByteConnection implements Disposable {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  #error: Error | undefined;

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    socket.on("error", (error) => {
      this.#error = error;
    });
  }

  static async open({ host, port }: HostPort, signal: AbortSignal): Promise<ByteConnection> {
    const socket = connect({ host, port, noDelay: true });
    try {
      await once(socket, "connect", { signal });
    } catch (error) {
      socket.on("error", () => {}).destroy();
      throw error;
    }
    return new ByteConnection(socket, signal);
  }

  get remoteHost(): string {
    return this.#socket.remoteAddress ?? "";
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Exactly so many bytes. Rejects with ConnectionEndedError when they do not come. */
  async read(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      const chunk = this.#socket.read(Math.min(missing, this.#socket.readableLength || missing)) as Buffer | null;
      if (chunk === null) await this.#untilReadable();
      else {
        chunks.push(chunk);
        missing -= chunk.length;
      }
    }
    return Buffer.concat(chunks);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #untilReadable(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = this.#socket;
    const look = (): void => {
      if (socket.readableLength > 0) resolve();
      else if (socket.readableEnded || socket.destroyed) reject(new ConnectionEndedError(this.#error));
    };
    const onAbort = (): void => reject(this.#signal.reason);
    socket.on("readable", look).on("end", look).on("close", look);
    this.#signal.addEventListener("abort", onAbort);
    look();
    if (this.#signal.aborted) onAbort();
    try {
      await promise;
    } finally {
      socket.off("readable", look).off("end", look).off("close", look);
      this.#signal.removeEventListener("abort", onAbort);
    }
  }
}
