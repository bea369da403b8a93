import { type Clock, systemClock } from "@shadowfleet/runtime";
import type { FleetStore } from "@shadowfleet/store";
import type { SaltClaim, SharedSalts } from "./shared-salts.ts";

/** A client waits for the answer before its target is dialled. */
const ANSWER_LIMIT_MS = 250;
/** Windows up to here are kept whatever they cost: SIP022 needs them. */
const SHORTEST_WINDOW_SECONDS = 120;
/** Salts of one relay that the store may hold under longer windows, at about 165 bytes each in Redis. */
const HELD_AT_MOST = 100_000;
/** Over how long claims are counted, about. */
const RATE_SECONDS = 30;

/**
 * The salts of a fleet, in its store. Whoever holds a key can begin as many streams as a relay serves: where claims come so fast that long windows
 * would fill the store, which holds the fleet's counters too, these are halved until they do not.
 */
export class StoreSalts implements SharedSalts {
  readonly #store: Pick<FleetStore, "claimSalt">;
  readonly #clock: Clock;
  /** Claims per second lately; older ones count less and less. */
  #rate = 0;
  #claimedMs = 0;

  constructor(store: Pick<FleetStore, "claimSalt">, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  async claim(scope: string, salt: Buffer, windowSeconds: number): Promise<SaltClaim> {
    this.#count();
    const { promise, resolve } = Promise.withResolvers<SaltClaim>();
    // Where this process was too busy to read, the answer may be here already: one more turn reads it.
    const timer = setTimeout(() => setImmediate(resolve, "unavailable"), ANSWER_LIMIT_MS);
    this.#store.claimSalt(scope, salt, this.#affordable(windowSeconds)).then(
      (isFirst) => resolve(isFirst ? "fresh" : "seen"),
      // The store tells of its outages itself, once each.
      () => resolve("unavailable"),
    );
    const claim = await promise;
    clearTimeout(timer);
    return claim;
  }

  #count(): void {
    const now = this.#clock.monotonic();
    const seconds = (now - this.#claimedMs) / 1000;
    this.#claimedMs = now;
    this.#rate = this.#rate * Math.exp(-seconds / RATE_SECONDS) + 1 / RATE_SECONDS;
  }

  #affordable(windowSeconds: number): number {
    let affordable = windowSeconds;
    while (affordable > SHORTEST_WINDOW_SECONDS && affordable * this.#rate > HELD_AT_MOST) {
      affordable = Math.max(SHORTEST_WINDOW_SECONDS, Math.ceil(affordable / 2));
    }
    return affordable;
  }
}
