import type { Metrics, Observation } from "@shadowfleet/runtime";
import type { ManagementContext } from "./context.ts";
import { keyStateOf } from "./directory/entries.ts";

/** Registers the gauges of the control plane; returns what takes them away. */
export function observeFleet(
  metrics: Metrics,
  { directory, members, clock }: ManagementContext,
  calls: { readonly watchers: number },
): () => void {
  const activeKeys = (): number => {
    let active = 0;
    for (const [id, { record }] of directory.view.keys)
      if (keyStateOf(record, clock.now()) === "active" && !directory.view.conflictOf(id)) active++;
    return active;
  };
  const removers = [
    metrics.observe("fleet.config.revision", () => [{ value: directory.place.revision }]),
    metrics.observe("fleet.config.watchers", () => [{ value: calls.watchers }]),
    metrics.observe("fleet.config.conflicts", () => [{ value: directory.view.conflictCount }]),
    metrics.observe("fleet.store.available", () => [{ value: directory.isStoreAvailable ? 1 : 0 }]),
    metrics.observe("fleet.keys.active", () => [{ value: activeKeys() }]),
    metrics.observe("fleet.members", () => memberCounts(members.last.map(({ kind }) => kind))),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}

function memberCounts(kinds: readonly string[]): Observation[] {
  const known = ["gateway", "tcp-relay", "udp-relay"];
  return known.map((kind) => ({ value: kinds.filter((other) => other === kind).length, attributes: { kind } }));
}
