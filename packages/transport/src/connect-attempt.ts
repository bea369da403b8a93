import { SocketConnection } from "./connection.ts";
import { type DialFailure, dialFailure } from "./dial-failure.ts";
import type { OwnedSocket, SocketOwner } from "./owned-socket.ts";
import { connectSocket } from "./shared-read.ts";

/** Told the outcome of an attempt, once, never before the constructor has returned, and not at all after `cancel`. */
export interface AttemptObserver {
  attemptConnected(attempt: ConnectAttempt): void;
  attemptFailed(attempt: ConnectAttempt, failure: DialFailure): void;
}

/** One TCP connect to one literal address, begun by its construction. */
export class ConnectAttempt implements SocketOwner {
  readonly address: string;
  readonly #port: number;
  readonly #observer: AttemptObserver;
  readonly #socket: OwnedSocket;
  #over = false;

  /** `port` is 1 to 65,535. */
  constructor(address: string, port: number, observer: AttemptObserver) {
    this.address = address;
    this.#port = port;
    this.#observer = observer;
    this.#socket = connectSocket(this, address, port);
  }

  /** After `attemptConnected`: the connection, whose owner the caller is. */
  connection(): SocketConnection {
    return new SocketConnection(this.#socket, { host: this.address, port: this.#port });
  }

  cancel(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  handleConnect(): void {
    if (this.#over) return;
    this.#over = true;
    this.#observer.attemptConnected(this);
  }

  handleError(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#observer.attemptFailed(this, dialFailure(error));
  }

  handleData(): void {}
  handleEnd(): void {}
  handleDrain(): void {}
  handleClose(): void {}
}
