import type { ProcessLink } from "./process-link.ts";
import type { WorkerSeat } from "./worker-seat.ts";

/** How long the first process may take over a question; it does nothing but answer them. */
const ASK_LIMIT_MS = 5_000;

/** What an app may know of the group whose worker it runs in. */
export interface WorkerContext extends WorkerSeat {
  /** This worker's part of a cap that is meant for the group; the kernel spreads clients evenly. */
  share(cap: number): number;
  /**
   * Asks for the right to listen together with the other workers: the port's number (one for all of them where `port` is 0). Rejects with
   * FleetError BIND_FAILED where another program has it, which sharing would hide.
   */
  claimPort(transport: "tcp" | "udp", host: string, port: number): Promise<number>;
  /** Asks what the service answers in the first process (`ServiceDefinition.groupAnswers`). Rejects with a FleetError. */
  ask(name: string, payload: unknown): Promise<unknown>;
  /** Tells the other workers. */
  publish(topic: string, payload: unknown): void;
  subscribe(topic: string, listener: (payload: unknown) => void): void;
}

/** A note from one worker to all others, passed on by the first process. */
export interface Note {
  readonly topic: string;
  readonly payload: unknown;
}

export interface PortClaim {
  readonly transport: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}

/** The worker's end of the group. */
export class WorkerMembership implements WorkerContext {
  readonly index: number;
  readonly count: number;
  readonly #link: ProcessLink;
  readonly #listeners = new Map<string, (payload: unknown) => void>();

  constructor({ index, count }: WorkerSeat, link: (handlers: { note: (note: Note) => void }) => ProcessLink) {
    this.index = index;
    this.count = count;
    this.#link = link({ note: ({ topic, payload }) => this.#listeners.get(topic)?.(payload) });
  }

  share(cap: number): number {
    return Math.ceil(cap / this.count);
  }

  async claimPort(transport: "tcp" | "udp", host: string, port: number): Promise<number> {
    const claim: PortClaim = { transport, host, port };
    return (await this.#link.ask("claimPort", claim, ASK_LIMIT_MS)) as number;
  }

  ask(name: string, payload: unknown): Promise<unknown> {
    return this.#link.ask(name, payload, ASK_LIMIT_MS);
  }

  publish(topic: string, payload: unknown): void {
    this.#link.tell("note", { topic, payload } satisfies Note);
  }

  subscribe(topic: string, listener: (payload: unknown) => void): void {
    this.#listeners.set(topic, listener);
  }

  /** The app's start has returned. */
  tellStarted(): void {
    this.#link.tell("started");
  }
}
