import type { FleetStore, StoredEvent } from "@shadowfleet/store";
import { pause } from "./turn.ts";

/** The end of the events: tells those who wait there of new ones. The store is asked once for all of them, and only while somebody waits. */
export class EventTail {
  readonly #store: Pick<FleetStore, "readEvents" | "lastEventId">;
  readonly #intervalMs: number;
  #asked: { readonly atMs: number; readonly lastId: Promise<string> } | undefined;

  constructor(store: Pick<FleetStore, "readEvents" | "lastEventId">, intervalMs: number) {
    this.#store = store;
    this.#intervalMs = intervalMs;
  }

  /** Where the events end now; "" when there never was one. */
  lastId(): Promise<string> {
    return this.#store.lastEventId();
  }

  /** Up to `limit` events after that place as soon as there are any; none when the signal aborts. Rejects with STORE_UNAVAILABLE. */
  async next(afterId: string, limit: number, signal: AbortSignal): Promise<readonly StoredEvent[]> {
    let events = await this.#store.readEvents(afterId, limit);
    while (events.length === 0 && !signal.aborted) {
      await pause(this.#intervalMs, signal);
      if (signal.aborted || (await this.#ask()) === afterId) continue;
      events = await this.#store.readEvents(afterId, limit);
      // Ids only grow, so a last one that is not behind this place is of a store that began anew.
      if (events.length === 0) events = await this.#store.readEvents("", limit);
    }
    return events;
  }

  /** At most half an interval old: newer than what anyone who waits has read. */
  #ask(): Promise<string> {
    const nowMs = performance.now();
    if (!this.#asked || nowMs - this.#asked.atMs > this.#intervalMs / 2) this.#asked = { atMs: nowMs, lastId: this.#store.lastEventId() };
    return this.#asked.lastId;
  }
}
