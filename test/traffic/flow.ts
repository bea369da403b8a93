import type { Socket } from "node:net";
import { type SocksEndpoint, socks5Request } from "@shadowfleet/testkit";
import { matchesPattern, patternFrom } from "./target/pattern.ts";
import { SINK_PORT, SOURCE_PORT } from "./target/ports.ts";

const TICK_MS = 20;
const SOCKS_DEADLINE_MS = 40_000;

/** `complete`: FIN after exactly what was asked for. `broken`: reset, or FIN too early. `corrupt`: a byte that is not the stream's. */
export type FlowEnd = "complete" | "broken" | "corrupt";

export interface FlowOptions {
  readonly proxy: SocksEndpoint;
  /** Name or address of the target. */
  readonly target: string;
  readonly bytesPerSecond: number;
}

/** A paced stream through the fleet whose bytes both ends know. */
export abstract class Flow {
  /** Never rejects. */
  readonly ended: Promise<FlowEnd>;
  protected readonly socket: Socket;
  #received = 0;
  #end: FlowEnd | undefined;

  protected constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      const settle = (end: FlowEnd): void => {
        if (this.#end !== undefined) return;
        this.#end = end;
        resolve(end);
        socket.destroy();
      };
      socket.on("data", (chunk: Buffer) => {
        if (!matchesPattern(chunk, this.#received)) settle("corrupt");
        this.#received += chunk.length;
      });
      socket.on("end", () => settle(this.isWhole ? "complete" : "broken"));
      socket.on("close", () => settle("broken"));
    });
  }

  /** Payload bytes that came from the target. */
  get received(): number {
    return this.#received;
  }

  /** Payload bytes on their way so far, in the flow's own direction. */
  get moved(): number {
    return this.#received;
  }

  /** Undefined while it runs. */
  get end(): FlowEnd | undefined {
    return this.#end;
  }

  /** Brings it to its end in order: our FIN, which the target answers with its own. */
  abstract finish(): void;

  /** A FIN from the target is in order now. */
  protected abstract get isWhole(): boolean;

  destroy(): void {
    this.socket.destroy();
  }
}

async function connectThrough({ proxy, target }: FlowOptions, port: number): Promise<Socket> {
  const { ok, reply, socket } = await socks5Request({ proxy, target: { host: target, port }, deadlineMs: SOCKS_DEADLINE_MS });
  if (ok) return socket;
  socket.destroy();
  throw new Error(`SOCKS5 reply ${reply}`);
}

/** From the source: so many bytes, or without `total` until `finish`. */
export class Download extends Flow {
  readonly #total: number;
  #isFinishing = false;

  private constructor(socket: Socket, total: number) {
    super(socket);
    this.#total = total;
  }

  static async start(options: FlowOptions & { readonly total?: number }): Promise<Download> {
    const { bytesPerSecond, total = 0 } = options;
    const socket = await connectThrough(options, SOURCE_PORT);
    socket.write(`${bytesPerSecond} ${total}\n`);
    return new Download(socket, total);
  }

  override finish(): void {
    this.#isFinishing = true;
    if (this.end === undefined) this.socket.end();
  }

  protected override get isWhole(): boolean {
    return this.#total > 0 ? this.received === this.#total : this.#isFinishing;
  }
}

/** To the sink, until `finish`. */
export class Upload extends Flow {
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #isFinishing = false;

  private constructor(socket: Socket, bytesPerSecond: number) {
    super(socket);
    const startedMs = performance.now();
    this.#timer = setInterval(() => this.#send(((performance.now() - startedMs) / 1000) * bytesPerSecond), TICK_MS);
    void this.ended.then(() => clearInterval(this.#timer));
  }

  static async start(options: FlowOptions): Promise<Upload> {
    return new Upload(await connectThrough(options, SINK_PORT), options.bytesPerSecond);
  }

  override get moved(): number {
    return this.#sent;
  }

  override finish(): void {
    this.#isFinishing = true;
    clearInterval(this.#timer);
    if (this.end === undefined) this.socket.end();
  }

  protected override get isWhole(): boolean {
    return this.#isFinishing;
  }

  #send(due: number): void {
    while (this.#sent < Math.floor(due) && this.socket.writable && !this.socket.writableNeedDrain) {
      const bytes = patternFrom(this.#sent, Math.floor(due) - this.#sent);
      this.#sent += bytes.length;
      this.socket.write(bytes);
    }
  }
}
