import { PseudoRandom } from "@shadowfleet/testkit";
import type { ChaosFault } from "./chaos-fault.ts";
import type { ChaosFleet } from "./chaos-fleet.ts";
import { allFaults } from "./faults/all-faults.ts";
import { together } from "./limits.ts";

const SHORTEST_MS = 500;
const LONGEST_MS = 6_000;
/** So many in ten come with a second one of another part at the same time. */
const DOUBLE_OF_TEN = 3;

/** An endless sequence that the seed determines. */
export function randomFaults(chaos: ChaosFleet, seed: number): { next(): ChaosFault } {
  const random = new PseudoRandom(seed);
  const pick = (except?: ChaosFault): ChaosFault => {
    const lastsMs = SHORTEST_MS + random.below(LONGEST_MS - SHORTEST_MS);
    const faults = allFaults(chaos, lastsMs).filter(({ part, isAlone }) => !except || (part !== except.part && !isAlone));
    return faults[random.below(faults.length)]!;
  };
  return {
    next: () => {
      const first = pick();
      return !first.isAlone && random.below(10) < DOUBLE_OF_TEN ? atOnce(first, pick(first)) : first;
    },
  };
}

function atOnce(first: ChaosFault, second: ChaosFault): ChaosFault {
  const limits = together(first.limits, second.limits);
  const parts = [first.part, second.part];
  // A relay that ends while the store is away takes with it all that it counted since.
  const isWorse = parts.includes("redis") && parts.some((part) => part.endsWith("relay"));
  return {
    id: `${first.id}+${second.id}`,
    name: `${first.name}; at the same time: ${second.name}`,
    part: first.part,
    limits: isWorse ? { ...limits, uncountedS: limits.uncountedS + LONGEST_MS / 1000 + 2 } : limits,
    losesCounts: isWorse || (first.losesCounts ?? false) || (second.losesCounts ?? false),
    received: () => (first.received?.() ?? 0) + (second.received?.() ?? 0),
    happen: async (flows) => {
      await Promise.all([first.happen(flows), second.happen(flows)]);
    },
  };
}
