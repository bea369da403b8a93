import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { BitsPerSecondSI, CountsPerSecond, PacketsPerSecond, Seconds } from "@grafana/grafana-foundation-sdk/units";
import { query } from "../panels/panel.ts";
import { timeseries } from "../panels/timeseries.ts";
import { bits, quantile, rate, sum } from "../promql/expressions.ts";
import type { Labels } from "../promql/series.ts";

export function throughputPanel(labels?: Labels): Builder<Panel> {
  const expr = bits(sum(rate("shadowsocks.relay.bytes", labels), "network.transport", "network.io.direction"));
  return timeseries({
    title: "Throughput",
    description:
      "Payload, without headers and encryption; up is client to target. A sudden fall while sessions stay is bad: something stalls.",
    unit: BitsPerSecondSI,
    queries: [query(expr, "{{network_transport}} {{network_io_direction}}")],
  });
}

export function outcomesPanel(title: string, description: string): Builder<Panel> {
  return timeseries({
    title,
    description,
    unit: CountsPerSecond,
    stacked: true,
    queries: [query(sum(rate("shadowsocks.connections"), "outcome"), "{{outcome}}")],
  });
}

export function lifetimePanel(labels: Labels): Builder<Panel> {
  return timeseries({
    title: "Session lifetime",
    description:
      "How long sessions that ended now had lasted. A median that falls to nearly nothing is bad: sessions end before they are of use.",
    unit: Seconds,
    queries: [0.5, 0.9, 0.99].map((q) => query(quantile(q, "shadowsocks.connection.duration.seconds", labels), `p${q * 100}`)),
  });
}

export function packetsPanel(): Builder<Panel> {
  const expr = sum(rate("shadowsocks.udp.packets", { outcome: "OK" }), "network.io.direction");
  return timeseries({
    title: "Datagrams",
    description:
      "Datagrams passed on; up is client to target. Up without down is bad: targets do not answer, or their answers do not arrive.",
    unit: PacketsPerSecond,
    queries: [query(expr, "{{network_io_direction}}")],
  });
}
