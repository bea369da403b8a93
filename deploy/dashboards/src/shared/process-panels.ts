import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { BytesIEC, PercentUnit } from "@grafana/grafana-foundation-sdk/units";
import { query } from "../panels/panel.ts";
import { timeseries } from "../panels/timeseries.ts";
import { gauge, max, rate } from "../promql/expressions.ts";

export function eventLoopPanel(): Builder<Panel> {
  return timeseries({
    title: "Event loop utilisation",
    description:
      "Share of time the one thread of each process is busy. Above 0.9 for minutes is bad: all that process does becomes slow; add processes.",
    unit: PercentUnit,
    max: 1,
    queries: [query(max(gauge("nodejs_eventloop_utilization"), "instance"), "{{instance}}")],
  });
}

export function descriptorPanel(): Builder<Panel> {
  return timeseries({
    title: "File descriptors in use",
    description: "Share of the most a process may open. Above 0.8 is bad: near 1 accepting pauses and clients are refused.",
    unit: PercentUnit,
    max: 1,
    queries: [query(`${gauge("process.open.fds")} / ${gauge("process.max.fds")}`, "{{instance}}")],
  });
}

export function memoryPanel(): Builder<Panel> {
  return timeseries({
    title: "Resident memory",
    description:
      "What the kernel has given each process. A climb that never ends is bad, a leak; near the container's limit the process is killed.",
    unit: BytesIEC,
    queries: [query(gauge("process.resident.memory.bytes"), "{{instance}}")],
  });
}

export function cpuPanel(): Builder<Panel> {
  return timeseries({
    title: "CPU time",
    description: "Cores each process uses. At a container's CPU limit is bad: it is throttled, which shows as event loop delay.",
    unit: PercentUnit,
    queries: [query(rate("process.cpu.seconds"), "{{instance}}")],
  });
}
