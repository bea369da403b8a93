import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { BitsPerSecondSI, Short } from "@grafana/grafana-foundation-sdk/units";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { table } from "../panels/table.ts";
import { text } from "../panels/text.ts";
import { alerts } from "../promql/alerts.ts";
import { bits, count, gauge, max, min, orZero, rate, sum } from "../promql/expressions.ts";
import { RELAYS, TCP_RELAY, UDP_RELAY } from "../promql/services.ts";

const PATH = `**client** → gateway (SOCKS, HTTP) → **tcp-relay** or **udp-relay** → target

Clients with a Shadowsocks program of their own come to the relays directly.

**management** streams ports, keys and upstreams to relays and gateways, and keeps them in **Redis**; relays write what they count there. Traffic needs
neither: with both away it goes on, only changes and counts wait.

Start with the alerts beside this text: each links its runbook. *Fleet* at the top leads to a service's own dashboard.`;

export function overviewTop(): Builder<Panel>[] {
  return [
    stat({
      title: "Processes up",
      description: "Processes Prometheus reaches. Fewer than were deployed is bad.",
      unit: Short,
      query: query(sum(gauge("up")), "up"),
    }),
    stat({
      title: "Firing alerts",
      description: "Alerts of the fleet that fire now. Anything but 0 is bad.",
      unit: Short,
      query: query(orZero(count(alerts("firing"))), "firing"),
      bad: { from: 1 },
    }),
    stat({
      title: "Sessions now",
      description: "TCP connections and UDP sessions open at the relays. A sudden fall is bad.",
      unit: Short,
      query: query(
        `(${orZero(sum(gauge("shadowsocks.connections.active", TCP_RELAY)))}) + (${orZero(sum(gauge("shadowsocks.udp.sessions.active", UDP_RELAY)))})`,
        "sessions",
      ),
    }),
    stat({
      title: "Throughput now",
      description: "Payload through all relays, both directions. A sudden fall while sessions stay is bad.",
      unit: BitsPerSecondSI,
      query: query(bits(sum(rate("shadowsocks.relay.bytes", RELAYS))), "throughput"),
    }),
    stat({
      title: "Members reporting",
      description: "Relays and gateways that report to management. Fewer than run is bad: those serve old configuration.",
      unit: Short,
      query: query(sum(max(gauge("fleet.members"), "kind")), "members"),
    }),
    stat({
      title: "Shared store",
      description: "Whether management reaches Redis. Away is bad: no changes, and counts wait in the relays' memory.",
      unit: Short,
      query: query(min(gauge("fleet.store.available")), "store"),
      words: { "0": "away", "1": "answers" },
      bad: { below: 1 },
    }),
    text({
      title: "Where a byte goes",
      description: "How the parts of the fleet hang together. Nothing here can be bad.",
      markdown: PATH,
    }),
    table({
      title: "Alerts",
      description: "What fires, and what will if it lasts. Empty is good.",
      unit: Short,
      queries: [query(`sum by (alertname, alertstate, severity, job) (${alerts()})`, "")],
      columns: { alertname: "alert", alertstate: "state", severity: "severity", job: "job" },
      nothing: "Nothing fires",
    }),
  ];
}
