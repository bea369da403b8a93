import type { FleetEvent } from "@shadowfleet/store";
import type { Notes } from "./notes.ts";

/** Notices something that nobody writes down as it happens. Asked only while this process has the turn. */
export interface EventSource {
  /** What it has told; saved after the events of a look are kept. */
  readonly notes: Notes;
  /** The turn begins, or begins again after a failure: the notes are loaded, nothing else of before counts. */
  begin(): void;
  /** What is to be told since the look before. Rejects with STORE_UNAVAILABLE. */
  look(nowMs: number): Promise<readonly FleetEvent[]> | readonly FleetEvent[];
  /** The turn is over. */
  end(): void;
}
