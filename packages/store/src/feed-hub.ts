import type { FeedEvent, FeedSubscription } from "./fleet-store.ts";

/** A subscriber that holds back what is announced until `begin`: what it missed comes first. */
export interface HeldSubscription extends FeedSubscription {
  /** Delivers `first`, then what was held, then everything as it comes; changes up to `revision` are known and left out. */
  begin(first: FeedEvent | undefined, revision: number): void;
}

/** Hands events to subscribers in order, each in its own turn of the event loop, so that a subscriber never runs inside a write. */
export class FeedHub {
  readonly #subscribers = new Set<Subscriber>();

  subscribe(onEvent: (event: FeedEvent) => void): HeldSubscription {
    const subscriber = new Subscriber(onEvent, () => this.#subscribers.delete(subscriber));
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  announce(event: FeedEvent): void {
    for (const subscriber of this.#subscribers) subscriber.take(event);
  }

  /** Nobody hears anything any more. */
  close(): void {
    for (const subscriber of this.#subscribers) void subscriber.close();
  }
}

class Subscriber implements HeldSubscription {
  readonly #onEvent: (event: FeedEvent) => void;
  readonly #onClose: () => void;
  #held: FeedEvent[] | undefined = [];
  #knownRevision = 0;
  #isOpen = true;

  constructor(onEvent: (event: FeedEvent) => void, onClose: () => void) {
    this.#onEvent = onEvent;
    this.#onClose = onClose;
  }

  begin(first: FeedEvent | undefined, revision: number): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (first) this.#deliver(first);
    this.#knownRevision = revision;
    for (const event of held) this.take(event);
  }

  take(event: FeedEvent): void {
    if (this.#held) return void this.#held.push(event);
    if (event.type === "changes" && event.revision <= this.#knownRevision) return;
    // After a reset revisions may begin anew.
    if (event.type === "reset") this.#knownRevision = 0;
    this.#deliver(event);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#onClose();
  }

  #deliver(event: FeedEvent): void {
    setImmediate(() => this.#isOpen && this.#onEvent(event));
  }
}
