import type { Clock } from "@shadowfleet/runtime";

/** Somebody who gets `stat`. */
export interface Subscriber {
  readonly address: string;
  readonly port: number;
}

/** Nobody forges so many; and whoever cares pings again within the hour. */
const MAX_SUBSCRIBERS = 256;
const FORGOTTEN_AFTER_MS = 60 * 60_000;

/** Whom `stat` is sent to: those who pinged lately. Bounded, since anyone can send a datagram in anyone's name. */
export class ReportSet {
  readonly #clock: Clock;
  /** By address and port, the one that pinged longest ago first. */
  readonly #members = new Map<string, Subscriber & { readonly seenAtMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join({ address, port }: Subscriber): void {
    const name = nameOf({ address, port });
    this.#members.delete(name);
    this.#members.set(name, { address, port, seenAtMs: this.#clock.monotonic() });
    const [oldest] = this.#members.keys();
    if (this.#members.size > MAX_SUBSCRIBERS && oldest !== undefined) this.#members.delete(oldest);
  }

  leave(subscriber: Subscriber): void {
    this.#members.delete(nameOf(subscriber));
  }

  /** Forgets those who have not pinged for an hour. */
  list(): readonly Subscriber[] {
    for (const [name, { seenAtMs }] of this.#members) {
      if (this.#clock.monotonic() - seenAtMs > FORGOTTEN_AFTER_MS) this.#members.delete(name);
    }
    return [...this.#members.values()];
  }
}

function nameOf({ address, port }: Subscriber): string {
  return `${address} ${port}`;
}
