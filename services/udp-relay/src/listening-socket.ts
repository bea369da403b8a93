import { type ErrorCode, FleetError, type Logger } from "@shadowfleet/runtime";
import { type DatagramSocket, type DatagramSocketOptions, openDatagramSocket } from "@shadowfleet/transport";
import { codeOfSocketError, errnoOf, isPassing } from "./socket-failure.ts";

/** Bytes asked of the kernel for datagrams that arrive while the process is busy; it grants up to net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const REOPEN_MIN_MS = 100;
const REOPEN_MAX_MS = 10_000;

export interface ListeningSocketOptions<Owner> {
  /** Literal address; "::" is IPv6 and IPv4, or IPv4 alone on a host without IPv6. */
  readonly host: string;
  readonly port: number;
  /** With other workers of a group. */
  readonly sharesPort?: boolean;
  readonly logger: Logger;
  readonly onDatagram: DatagramSocketOptions<Owner>["onDatagram"];
  readonly onSent: DatagramSocketOptions<Owner>["onSent"];
  readonly onSendFailed: (owner: Owner, code: ErrorCode) => void;
  /** The socket reported an error of no particular send. */
  readonly onError: (code: ErrorCode) => void;
  /** Replaced in tests, to cause errors that a kernel rarely has. */
  readonly bind?: (options: DatagramSocketOptions<Owner>) => DatagramSocket<Owner>;
}

/** The socket of a listening port. Once open it stays: an error that breaks it has it opened anew, on the same port, until it is closed. */
export class ListeningSocket<Owner> {
  readonly #options: ListeningSocketOptions<Owner>;
  #socket: DatagramSocket<Owner> | undefined;
  #reopenTimer: NodeJS.Timeout | undefined;
  #reopenInMs = REOPEN_MIN_MS;
  /** The port in force, which matters when the kernel chose it. */
  readonly port: number;

  /** Binds. Throws FleetError BIND_FAILED. */
  constructor(options: ListeningSocketOptions<Owner>) {
    this.#options = options;
    try {
      this.#socket = this.#bind(options.port);
    } catch (cause) {
      throw new FleetError("BIND_FAILED", `UDP ${options.host} port ${options.port}: ${errnoOf(cause) || "cannot be bound"}`, { cause });
    }
    this.port = this.#socket.port;
  }

  /** Sends to a client; while the socket is being reopened this fails with UDP_SEND_FAILED. */
  send(datagram: Buffer, host: string, port: number, owner: Owner, payloadBytes: number): void {
    if (this.#socket === undefined) this.#options.onSendFailed(owner, "UDP_SEND_FAILED");
    else this.#socket.send(datagram, host, port, owner, payloadBytes);
  }

  /** Frees the port now. */
  close(): void {
    clearTimeout(this.#reopenTimer);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #bind(port: number): DatagramSocket<Owner> {
    const { host } = this.#options;
    if (host !== "::") return this.#bindTo(host, port);
    try {
      return this.#bindTo(host, port);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== "EAFNOSUPPORT" && errno !== "EADDRNOTAVAIL") throw error;
      return this.#bindTo("0.0.0.0", port);
    }
  }

  #bindTo(host: string, port: number): DatagramSocket<Owner> {
    const { bind = openDatagramSocket<Owner>, sharesPort = false, onDatagram, onSent, onSendFailed } = this.#options;
    return bind({
      family: host.includes(":") ? 6 : 4,
      host,
      port,
      ipv6Only: host !== "::" && host.includes(":"),
      sharesPort,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      onDatagram,
      onSent,
      onSendFailed: (owner, error) => onSendFailed(owner, codeOfSocketError(error)),
      onError: (error) => this.#onError(error),
    });
  }

  #onError(error: Error): void {
    this.#options.onError(codeOfSocketError(error));
    if (isPassing(error) || this.#socket === undefined) return;
    this.#options.logger.error({ code: "BIND_FAILED", port: this.port, err: error }, "listening socket broke, opening it anew");
    this.#socket.close();
    this.#socket = undefined;
    this.#reopenLater();
  }

  #reopenLater(): void {
    this.#reopenTimer = setTimeout(() => {
      try {
        this.#socket = this.#bind(this.port);
        this.#reopenInMs = REOPEN_MIN_MS;
        this.#options.logger.info({ port: this.port }, "listening socket open again");
      } catch (error) {
        this.#options.logger.debug({ code: "BIND_FAILED", port: this.port, err: error }, "listening socket could not be opened");
        this.#reopenInMs = Math.min(this.#reopenInMs * 2, REOPEN_MAX_MS);
        this.#reopenLater();
      }
    }, this.#reopenInMs);
  }
}
