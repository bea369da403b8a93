import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, codeOf, FleetError, type Logger } from "@shadowfleet/runtime";
import type { Dialect } from "./dialect.ts";
import { goDialect } from "./go-dialect.ts";
import { libevDialect } from "./libev-dialect.ts";
import type { PortCommands } from "./port-commands.ts";
import { ReportSet, type Subscriber } from "./report-set.ts";

export interface DatagramDaemonOptions {
  readonly host: string;
  readonly port: number;
  readonly dialect: "go" | "libev";
  readonly ports: PortCommands;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How often `stat` is sent to those who pinged. */
  readonly statIntervalMs: number;
}

const DIALECTS: Readonly<Record<DatagramDaemonOptions["dialect"], Dialect>> = { go: goDialect, libev: libevDialect };
/** Commands being carried out at once; an `add` waits for relays. Beyond, datagrams are dropped, as UDP may. */
const MAX_RUNNING = 256;
/** Between datagrams of one long answer: a receiver's socket buffer holds about six of them. */
const PACE_MS = 2;
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** Management by UDP datagrams for old scripts. Anyone who reaches the socket may command: there is no password in these protocols. */
export class DatagramDaemon {
  readonly #options: DatagramDaemonOptions;
  readonly #dialect: Dialect;
  readonly #socket: Socket;
  readonly #reportSet: ReportSet;
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;

  constructor(options: DatagramDaemonOptions) {
    this.#options = options;
    this.#dialect = DIALECTS[options.dialect];
    this.#reportSet = new ReportSet(options.clock);
    this.#socket = createSocket({ type: isIPv6(options.host) ? "udp6" : "udp4" });
  }

  /** The bound port; 0 before `start`. */
  get port(): number {
    return this.#isOpen ? this.#socket.address().port : 0;
  }

  /** Rejects with FleetError BIND_FAILED. */
  async start(): Promise<void> {
    const { host, port, dialect, logger, statIntervalMs } = this.#options;
    const listening = once(this.#socket, "listening");
    this.#socket.bind({ address: host, port, exclusive: true });
    try {
      await listening;
    } catch (error) {
      throw new FleetError("BIND_FAILED", `UDP management ${host} port ${port}: ${(error as Error).message}`, { cause: error });
    }
    this.#isOpen = true;
    this.#socket.on("message", (message, sender) => this.#take(message, sender));
    this.#socket.on("error", (error) => logger.warn({ code: "UDP_SEND_FAILED", err: error }, "the UDP management socket reports an error"));
    if (this.#dialect.push) this.#timer = setInterval(() => void this.#push(), statIntervalMs).unref();
    logger.info({ host, port: this.port, dialect }, "UDP management is up");
    if (!LOOPBACK.test(host))
      logger.warn({ host }, "UDP management has no authentication and is not on loopback: whoever can reach it owns the fleet's ports");
  }

  /** Takes nothing more, answers what is running without waiting for relays, closes. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#isOpen) return;
    this.#socket.removeAllListeners("message");
    this.#options.ports.stop();
    await Promise.all(this.#running);
    this.#isOpen = false;
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  #take(message: Buffer, sender: RemoteInfo): void {
    if (this.#running.size >= MAX_RUNNING) {
      this.#options.logger.warn(
        { sender: sender.address, running: this.#running.size },
        "too many management datagrams at once, one is dropped",
      );
      return;
    }
    const run: Promise<void> = this.#answer(message.toString("utf8"), sender).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Never rejects: what is in a datagram must not end the process. */
  async #answer(message: string, sender: RemoteInfo): Promise<void> {
    try {
      const { replies, subscription } = await this.#dialect.answer(message, this.#options.ports);
      if (subscription === "join") this.#reportSet.join(sender);
      if (subscription === "leave") this.#reportSet.leave(sender);
      await this.#sendAll(replies, sender);
    } catch (error) {
      this.#logFailure(error, "a management datagram could not be answered");
    }
  }

  async #push(): Promise<void> {
    const subscribers = this.#reportSet.list();
    if (subscribers.length === 0) return;
    try {
      const messages = (await this.#dialect.push?.(this.#options.ports)) ?? [];
      for (const subscriber of subscribers) await this.#sendAll(messages, subscriber);
    } catch (error) {
      this.#logFailure(error, "stat could not be sent");
    }
  }

  async #sendAll(messages: readonly string[], to: Subscriber): Promise<void> {
    for (const [index, message] of messages.entries()) {
      if (index > 0) await sleep(PACE_MS);
      this.#send(message, to);
    }
  }

  #send(text: string, { address, port }: Subscriber): void {
    if (!this.#isOpen) return;
    this.#socket.send(text, port, address, (error) => {
      if (error) this.#options.logger.debug({ code: "UDP_SEND_FAILED", err: error }, "a management datagram was not sent");
    });
  }

  #logFailure(error: unknown, text: string): void {
    const code = codeOf(error);
    this.#options.logger[code === "INTERNAL" ? "error" : "warn"]({ code, err: error }, text);
  }
}
