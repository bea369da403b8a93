import type { Api } from "./api/connect.ts";
import type { FleetModel } from "./model/fleet-model.ts";

/** What every part of the page works with. */
export interface Console {
  readonly api: Api;
  readonly model: FleetModel;
  /** Reads everything again now, because something was changed. */
  refresh(): void;
  /** Calls after every reading until the signal aborts. */
  onRead(listener: () => void, signal: AbortSignal): void;
}
