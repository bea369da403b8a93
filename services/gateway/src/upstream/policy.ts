import type { FailCounts } from "@shadowfleet/store";
import { ClassicPolicy } from "./classic-policy.ts";
import { type DialLatencies, LatencyPolicy } from "./latency-policy.ts";
import type { Picker, Random } from "./picker.ts";
import { RoundRobinPolicy } from "./round-robin-policy.ts";
import type { Upstream } from "./upstream.ts";

export const POLICIES = ["classic", "round-robin", "latency"] as const;
export type PolicyName = (typeof POLICIES)[number];

/** What pickers remember between configurations, by upstream id. */
export interface PickerMemory {
  readonly failCounts: FailCounts;
  readonly latencies: DialLatencies;
}

export function createPicker(policy: PolicyName, upstreams: readonly Upstream[], memory: PickerMemory, random: Random): Picker {
  if (policy === "round-robin") return new RoundRobinPolicy(upstreams, memory.failCounts, random);
  if (policy === "latency") return new LatencyPolicy(upstreams, memory.failCounts, random, memory.latencies);
  return new ClassicPolicy(upstreams, memory.failCounts, random);
}
