import { FleetError } from "@shadowfleet/runtime";
import { type FleetStore, SqliteStore } from "@shadowfleet/store";

/** A store that can be away, and can come back empty. */
export interface FragileStore {
  /** What management gets. */
  readonly store: FleetStore;
  /** What is behind it, always there. */
  readonly inner: FleetStore;
  /** Every call rejects with STORE_UNAVAILABLE. */
  away: boolean;
  /** Another life: nothing is left. */
  empty(): void;
}

export function createFragileStore(): FragileStore {
  let inner: FleetStore = new SqliteStore({ path: ":memory:" });
  const fragile = {
    store: new Proxy({} as FleetStore, {
      get: (_target, method: keyof FleetStore) => {
        return async (...args: unknown[]) => {
          if (fragile.away) throw new FleetError("STORE_UNAVAILABLE", "the test took the store away");
          return (inner[method] as (...args: unknown[]) => unknown).apply(inner, args);
        };
      },
    }),
    get inner() {
      return inner;
    },
    away: false,
    empty: () => {
      inner = new SqliteStore({ path: ":memory:" });
    },
  };
  return fragile;
}
