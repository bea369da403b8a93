import type { Metrics, Observation } from "@shadowfleet/runtime";
import type { AccessKeyTable } from "./access-key-table.ts";
import type { PortSupervisor } from "./port-supervisor.ts";

export interface ObservedRelay {
  readonly transport: "tcp" | "udp";
  readonly keys: AccessKeyTable;
  readonly ports: PortSupervisor;
}

/**
 * Lets a scrape read payload bytes, keys and ports from the plain fields they live in. Bytes are summed over keys: usage by key is not a metric.
 * Returns a function that takes the readers away again.
 */
export function observeRelay(metrics: Metrics, relay: ObservedRelay): () => void {
  const { transport, keys, ports } = relay;
  const bytes = (): Observation[] => {
    const total = keys.ledger.total(transport);
    return [
      { value: total.up, attributes: { "network.transport": transport, "network.io.direction": "up" } },
      { value: total.down, attributes: { "network.transport": transport, "network.io.direction": "down" } },
    ];
  };
  const removers = [
    metrics.observe("shadowsocks.relay.bytes", bytes),
    metrics.observe("fleet.keys.active", () => [{ value: keys.size }]),
    metrics.observe("fleet.ports.bound", () => [{ value: ports.bound }]),
    metrics.observe("fleet.ports.failed", () => [{ value: ports.failed }]),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}
