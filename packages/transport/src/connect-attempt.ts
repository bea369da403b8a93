import { SocketConnection } from "./connection.ts";
import { type DialFailure, dialFailure } from "./dial-failure.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";
import { connectSocket } from "./shared-read.ts";

/** One TCP connect to one literal address, begun by its construction. A subclass says what its outcome is for. */
export abstract class ConnectAttempt implements SocketOwner {
  readonly address: string;
  readonly #port: number;
  readonly #socket: OwnedSocket;
  #isOver = false;

  /** `port` is 1 to 65,535. */
  constructor(address: string, port: number) {
    this.address = address;
    this.#port = port;
    this.#socket = connectSocket(this, address, port);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Told once, never before the constructor has returned, unless it fails or is cancelled. Whoever is told owns the connection. */
  protected abstract connected(connection: SocketConnection): void;

  /** Told once, never before the constructor has returned, unless it connects or is cancelled. */
  protected abstract failed(failure: DialFailure): void;

  /** Without effect on an attempt that is over. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
  }

  handleConnect(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.connected(new SocketConnection(this.#socket, { host: this.address, port: this.#port }));
  }

  handleError(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.failed(dialFailure(error));
  }

  handleData(): void {}
  handleEnd(): void {}
  handleDrain(): void {}
  handleClose(): void {}
}
