import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { BytesIEC, PercentUnit } from "@grafana/grafana-foundation-sdk/units";
import { PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { timeseries } from "../panels/timeseries.ts";
import { gauge, rate } from "../promql/expressions.ts";

export function eventLoopPanel(legend = PROCESS): Builder<Panel> {
  return timeseries({
    title: "Event loop utilisation",
    description:
      "Share of time the one thread of each process is busy. Above 0.9 for minutes is bad: all that process does becomes slow; add processes.",
    unit: PercentUnit,
    max: 1,
    queries: [query(gauge("nodejs_eventloop_utilization"), legend)],
  });
}

export function descriptorPanel(legend = PROCESS): Builder<Panel> {
  return timeseries({
    title: "File descriptors in use",
    description: "Share of the most a process may open. Above 0.8 is bad: near 1 accepting pauses and clients are refused.",
    unit: PercentUnit,
    max: 1,
    queries: [query(`${gauge("process.open.fds")} / ${gauge("process.max.fds")}`, legend)],
  });
}

export function memoryPanel(legend = PROCESS): Builder<Panel> {
  return timeseries({
    title: "Resident memory",
    description:
      "What the kernel has given each process. A climb that never ends is bad, a leak; near the container's limit the process is killed.",
    unit: BytesIEC,
    queries: [query(gauge("process.resident.memory.bytes"), legend)],
  });
}

export function cpuPanel(legend = PROCESS): Builder<Panel> {
  return timeseries({
    title: "CPU time",
    description: "Cores each process uses. At a container's CPU limit is bad: it is throttled, which shows as event loop delay.",
    unit: PercentUnit,
    queries: [query(rate("process.cpu.seconds"), legend)],
  });
}
