import type { FleetStore } from "@shadowfleet/store";
import { withinDeadline } from "./fleet/call-deadline.ts";
import type { SaltClaim, SharedSalts } from "./shared-salts.ts";

/** A client waits for the answer before its target is dialled. */
const ANSWER_LIMIT_MS = 250;

/** The salts of a fleet, in its store. */
export class StoreSalts implements SharedSalts {
  readonly #store: Pick<FleetStore, "claimSalt">;

  constructor(store: Pick<FleetStore, "claimSalt">) {
    this.#store = store;
  }

  async claim(scope: string, salt: Buffer, windowSeconds: number): Promise<SaltClaim> {
    try {
      return (await withinDeadline(this.#store.claimSalt(scope, salt, windowSeconds), ANSWER_LIMIT_MS)) ? "fresh" : "seen";
    } catch {
      // The store tells of its outages itself, once each.
      return "unavailable";
    }
  }
}
