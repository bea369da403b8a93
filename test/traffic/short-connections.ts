import { setTimeout as sleep } from "node:timers/promises";
import { readExactly, type SocksEndpoint, socks5Request } from "@shadowfleet/testkit";
import { ECHO_PORT } from "./target/ports.ts";

const PAYLOAD = Buffer.alloc(64, "shadowfleet ");
/** A person waiting for a page takes this long for a failure. */
const LATE_MS = 3_000;
/** How long one that is late is still waited for, so that its bytes are known. */
const LAST_WAIT_MS = 40_000;

export interface ShortConnection {
  readonly startedMs: number;
  readonly tookMs: number;
  /** "late": it succeeded after 3 s; otherwise why it failed. */
  readonly outcome: "ok" | "late" | (string & {});
}

export interface ShortConnectionOptions {
  /** Asked for each connection: the gateway's port may change. */
  readonly proxy: () => SocksEndpoint;
  readonly target: string;
  readonly everyMs: number;
}

/** Connections as browsers make them, at a steady rate: SOCKS5, 64 bytes there and back, FIN. */
export class ShortConnections {
  readonly #options: ShortConnectionOptions;
  readonly #finished: ShortConnection[] = [];
  readonly #open = new Set<Promise<void>>();
  readonly #loop: Promise<void>;
  #received = 0;
  #isRunning = true;

  constructor(options: ShortConnectionOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  /** Those that are over, in the order of their start. */
  get finished(): readonly ShortConnection[] {
    return this.#finished.toSorted((a, b) => a.startedMs - b.startedMs);
  }

  get succeeded(): readonly ShortConnection[] {
    return this.finished.filter(({ outcome }) => outcome === "ok" || outcome === "late");
  }

  get failed(): readonly ShortConnection[] {
    return this.finished.filter(({ outcome }) => outcome !== "ok" && outcome !== "late");
  }

  get late(): readonly ShortConnection[] {
    return this.finished.filter(({ outcome }) => outcome === "late");
  }

  /** Payload bytes that came back. */
  get received(): number {
    return this.#received;
  }

  /** Starts no more, and waits for those that are open. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
    await Promise.all(this.#open);
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const startedMs = performance.now();
      const one: Promise<void> = this.#connect().then((outcome) => {
        this.#open.delete(one);
        const tookMs = performance.now() - startedMs;
        this.#finished.push({ startedMs, tookMs, outcome: outcome === "ok" && tookMs > LATE_MS ? "late" : outcome });
      });
      this.#open.add(one);
      await sleep(this.#options.everyMs);
    }
  }

  /** Never rejects. */
  async #connect(): Promise<string> {
    const { proxy, target } = this.#options;
    try {
      const answer = await socks5Request({ proxy: proxy(), target: { host: target, port: ECHO_PORT }, deadlineMs: LAST_WAIT_MS });
      const { ok, reply, socket } = answer;
      try {
        if (!ok) return `SOCKS5 reply ${reply}`;
        socket.write(PAYLOAD);
        const echo = await readExactly(socket, PAYLOAD.length, LAST_WAIT_MS, "the echo");
        this.#received += echo.length;
        if (!echo.equals(PAYLOAD)) return "another echo";
        socket.resume().end();
        await new Promise((resolve) => socket.once("close", resolve).once("end", resolve));
        return "ok";
      } finally {
        socket.destroy();
      }
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    }
  }
}
