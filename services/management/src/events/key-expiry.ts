import type { FleetEvent } from "@shadowfleet/store";
import type { DirectoryEvent, FleetDirectory } from "../directory/fleet-directory.ts";
import type { EventSource } from "./event-source.ts";
import type { Notes } from "./notes.ts";

/** Until when expired keys were told of. */
const SEEN = "seen";
const SAVE_EVERY_MS = 60_000;
/** Looked at again after a change of hands, for clocks differ and `SEEN` is saved now and then; the store keeps each only once. */
const LOOK_BACK_MS = 10 * 60_000;
/** Shorter than the store remembers what it was told once. */
const LONGEST_AGO_MS = 61 * 86_400_000;

/** `key.expired`, once for each key and time: also of keys that expired while no management ran. */
export class KeyExpiry implements EventSource {
  readonly notes: Notes;
  readonly #directory: Pick<FleetDirectory, "view" | "watch">;
  /** Keys to look at: time or a change touched them. */
  #touched = new Set<string>();
  #unwatch: (() => void) | undefined;

  constructor(directory: Pick<FleetDirectory, "view" | "watch">, notes: Notes) {
    this.#directory = directory;
    this.notes = notes;
  }

  begin(): void {
    this.#touched = new Set(this.#directory.view.keys.keys());
    this.#unwatch ??= this.#directory.watch((event) => this.#onDirectory(event));
  }

  end(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  look(nowMs: number): readonly FleetEvent[] {
    const seenMs = Number(this.notes.get(SEEN) ?? nowMs);
    const touched = this.#touched;
    this.#touched = new Set();
    const events = [...touched].flatMap((id) => this.#expired(id, seenMs, nowMs));
    if (events.length > 0 || this.notes.get(SEEN) === undefined || nowMs - seenMs >= SAVE_EVERY_MS) this.notes.set(SEEN, String(nowMs));
    return events;
  }

  #expired(id: string, seenMs: number, nowMs: number): FleetEvent[] {
    const record = this.#directory.view.keys.get(id)?.record;
    // One that expires later is touched when its time comes.
    if (record?.expiresAtMs === undefined || record.expiresAtMs > nowMs) return [];
    const { expiresAtMs, createdAtMs, updatedAtMs, displayName } = record;
    const isNews = Math.max(expiresAtMs, updatedAtMs) > seenMs - LOOK_BACK_MS && expiresAtMs > nowMs - LONGEST_AGO_MS;
    if (!isNews) return [];
    const once = `key.expired/${id}/${createdAtMs}/${expiresAtMs}`;
    return [{ type: "key.expired", subject: id, atMs: expiresAtMs, details: { displayName }, once }];
  }

  #onDirectory(event: DirectoryEvent): void {
    if (event.type === "touched") for (const id of event.touched.keys) this.#touched.add(id);
    else if (event.type === "reset") this.#touched = new Set(this.#directory.view.keys.keys());
  }
}
