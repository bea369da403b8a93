import type { ChaosFault } from "../chaos-fault.ts";
import type { ChaosFleet } from "../chaos-fleet.ts";
import { clientFaults } from "./clients.ts";
import { clockFaults } from "./clock.ts";
import { controlFaults } from "./control.ts";
import { networkFaults } from "./network.ts";
import { redisFaults } from "./redis.ts";
import { relayFaults } from "./relays.ts";

/** Every fault that one fleet can suffer one after the other; each leaves it as it was. `lastsMs`: from breaking to repairing. */
export function allFaults(chaos: ChaosFleet, lastsMs: number): ChaosFault[] {
  const sources = [redisFaults, controlFaults, relayFaults, networkFaults, clockFaults, clientFaults];
  return sources.flatMap((faultsOf) => faultsOf(chaos, lastsMs));
}
