/** A datagram on its way up that waits for the address of its target. */
export interface WaitingDatagram {
  readonly name: string;
  readonly port: number;
  readonly payload: Buffer;
}

/** What one association may have waiting, and how many names it may have asked for at a time. */
const MAX_WAITING_DATAGRAMS = 32;
const MAX_WAITING_BYTES = 256 * 1024;
const MAX_LOOKUPS = 16;

/**
 * Datagrams of one association whose target's name is being resolved. Bounded: when full the oldest gives way, since a datagram that is late
 * is worth less than one that is not.
 */
export class NameQueue {
  readonly #onDropped: (datagram: WaitingDatagram) => void;
  readonly #lookups = new Set<string>();
  #waiting: WaitingDatagram[] = [];
  #bytes = 0;

  /** `onDropped` is called once for each datagram that gave way. */
  constructor(onDropped: (datagram: WaitingDatagram) => void) {
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** True: the caller must now look the name up and call `settle`. False: that is under way, or too many look-ups are. */
  begin(name: string): boolean {
    if (this.#lookups.has(name) || this.#lookups.size >= MAX_LOOKUPS) return false;
    this.#lookups.add(name);
    return true;
  }

  /** Keeps a datagram until `settle` of its name. One whose name is not being looked up is dropped at once. */
  push(datagram: WaitingDatagram): void {
    if (!this.#lookups.has(datagram.name)) {
      this.#onDropped(datagram);
      return;
    }
    this.#waiting.push(datagram);
    this.#bytes += datagram.payload.length;
    while (this.#waiting.length > MAX_WAITING_DATAGRAMS || this.#bytes > MAX_WAITING_BYTES) this.#dropOldest();
  }

  /** The look-up is over: what waited for the name, oldest first. */
  settle(name: string): readonly WaitingDatagram[] {
    this.#lookups.delete(name);
    const ready = this.#waiting.filter((datagram) => datagram.name === name);
    if (ready.length === 0) return ready;
    this.#waiting = this.#waiting.filter((datagram) => datagram.name !== name);
    for (const datagram of ready) this.#bytes -= datagram.payload.length;
    return ready;
  }

  /** Drops everything. */
  clear(): void {
    while (this.#waiting.length > 0) this.#dropOldest();
  }

  #dropOldest(): void {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.payload.length;
    this.#onDropped(oldest);
  }
}
