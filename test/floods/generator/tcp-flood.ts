import { connect, type Socket } from "node:net";
import { systemEnvironment } from "@shadowfleet/runtime";
import { PseudoRandom } from "@shadowfleet/testkit";
import { addressFrom, createClientStream } from "@shadowfleet/wire";
import { credentialOf, type FloodPlan, type FloodResult } from "./flood-plan.ts";
import { atRate } from "./pace.ts";

const WRONG_LENGTHS = { least: 60, span: 300 };
const DRIP_MS = 1000;
/** A target nobody reaches: none of these openings is ever complete. */
const TARGET = addressFrom("127.0.0.1", 9)!;

/** Connections to a relay that never become anything. */
export class TcpFlood {
  readonly #plan: FloodPlan;
  readonly #credential;
  readonly #random: PseudoRandom;
  readonly #open = new Map<Socket, Buffer>();
  #sent = 0;
  #refused = 0;
  #closedByRelay = 0;
  #answeredBytes = 0;
  #mostOpen = 0;

  constructor(plan: FloodPlan) {
    this.#plan = plan;
    this.#credential = credentialOf(plan);
    this.#random = new PseudoRandom(plan.seed);
  }

  async run(): Promise<FloodResult> {
    const { perSecond, seconds, kind } = this.#plan;
    const drip = kind === "slow-drip" ? setInterval(() => this.#drip(), DRIP_MS) : undefined;
    await atRate(perSecond, seconds, () => this.#connect());
    clearInterval(drip);
    const result = {
      sent: this.#sent,
      refused: this.#refused,
      closedByRelay: this.#closedByRelay,
      answeredBytes: this.#answeredBytes,
      mostOpen: this.#mostOpen,
    };
    for (const socket of this.#open.keys()) socket.destroy();
    return result;
  }

  #connect(): void {
    const { port, sources, maxOpen } = this.#plan;
    if (this.#open.size >= maxOpen) this.#open.keys().next().value!.destroy();
    const localAddress = sources[this.#sent % sources.length]!;
    this.#sent += 1;
    const socket = connect({ host: "127.0.0.1", port, localAddress, allowHalfOpen: true, noDelay: true });
    const opening = this.#opening();
    this.#open.set(socket, opening);
    this.#mostOpen = Math.max(this.#mostOpen, this.#open.size);
    let connected = false;
    socket.on("connect", () => {
      connected = true;
      if (opening.length > 0 && this.#plan.kind !== "slow-drip") socket.write(opening);
    });
    socket.on("data", (bytes: Buffer) => {
      this.#answeredBytes += bytes.length;
    });
    socket.on("end", () => this.#ended(socket));
    socket.on("error", () => {
      if (connected) this.#ended(socket);
      else this.#refused += 1;
    });
    socket.on("close", () => this.#open.delete(socket));
  }

  #ended(socket: Socket): void {
    if (this.#open.delete(socket)) this.#closedByRelay += 1;
    socket.destroy();
  }

  /** What this connection sends: at once, or bit by bit. */
  #opening(): Buffer {
    switch (this.#plan.kind) {
      case "wrong-handshakes":
        return this.#random.bytes(WRONG_LENGTHS.least + this.#random.below(WRONG_LENGTHS.span));
      case "half-handshakes": {
        const request = this.#request();
        return request.subarray(0, 1 + this.#random.below(request.length - 1));
      }
      case "slow-drip":
        return this.#request();
      default:
        return Buffer.alloc(0);
    }
  }

  #request(): Buffer {
    return Buffer.from(createClientStream(this.#credential, systemEnvironment).sealRequest(TARGET, Buffer.alloc(0)));
  }

  #drip(): void {
    for (const [socket, left] of this.#open) {
      if (left.length === 0 || socket.connecting) continue;
      socket.write(left.subarray(0, 1));
      this.#open.set(socket, left.subarray(1));
    }
  }
}
