import type { FleetEvent, FleetStore } from "@shadowfleet/store";
import type { EventSource } from "./event-source.ts";
import { pause, type Turn } from "./turn.ts";

export interface DerivedEventsOptions {
  readonly store: Pick<FleetStore, "appendEvents">;
  readonly sources: readonly EventSource[];
  readonly turn: Turn;
  readonly nowMs: () => number;
  /** Between two looks. */
  readonly intervalMs: number;
}

/** Appends at a time. */
const BATCH = 500;

/**
 * Events that are seen rather than made: keys that expire, quotas that run out, upstreams and relays that come and go. One process of the fleet looks at a
 * time. Events are kept before the notes that they were told, so that a death in between tells twice and not never.
 */
export class DerivedEvents {
  readonly #options: DerivedEventsOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: DerivedEventsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#options.turn.run((held) => this.#work(held), this.#closing.signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #work(held: AbortSignal): Promise<void> {
    const { sources, intervalMs } = this.#options;
    try {
      for (const source of sources) {
        await source.notes.load();
        source.begin();
      }
      while (!held.aborted) {
        await this.#look();
        await pause(intervalMs, held);
      }
    } finally {
      for (const source of sources) source.end();
    }
  }

  async #look(): Promise<void> {
    const { store, sources, nowMs } = this.#options;
    const events: FleetEvent[] = [];
    for (const source of sources) events.push(...(await source.look(nowMs())));
    for (let at = 0; at < events.length; at += BATCH) await store.appendEvents(events.slice(at, at + BATCH));
    for (const { notes } of sources) await notes.save();
  }
}
