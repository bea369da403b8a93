import {
  BitsPerSecondSI,
  BytesIEC,
  CountsPerSecond,
  DurationSeconds,
  PercentUnit,
  Seconds,
  Short,
} from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { SERVICE_AND_PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { timeseries } from "../panels/timeseries.ts";
import { ANSWERED } from "../promql/calls.ts";
import { DIAL_CODES, REFUSED_CODES } from "../promql/codes.ts";
import { bits, gauge, max, observationRate, quantile, rate, share, sum } from "../promql/expressions.ts";
import { anyOf, not } from "../promql/series.ts";
import { RELAYS, TCP_RELAY, UDP_RELAY } from "../promql/services.ts";
import { lostStreamsPanel, memberCallsPanel, unconnectedPanel } from "../shared/membership-panels.ts";
import { overviewTop } from "./overview-top.ts";

export function fleetOverview() {
  return dashboard({
    name: "overview",
    title: "Overview",
    description: "Is the fleet well, and how much does it carry?",
    top: overviewTop(),
    rows: [
      {
        title: "Traffic",
        panels: [
          timeseries({
            title: "Throughput",
            description: "Payload through the relays; up is client to target. A sudden fall while sessions stay is bad.",
            unit: BitsPerSecondSI,
            queries: [
              query(
                bits(sum(rate("shadowsocks.relay.bytes", RELAYS), "network.transport", "network.io.direction")),
                "{{network_transport}} {{network_io_direction}}",
              ),
            ],
          }),
          timeseries({
            title: "Sessions",
            description: "Open at gateways and relays. A sudden fall is bad; a climb without more throughput hints at stuck sessions.",
            unit: Short,
            queries: [
              query(sum(gauge("shadowsocks.connections.active"), "job", "network.transport"), "{{job}} {{network_transport}}"),
              query(sum(gauge("shadowsocks.udp.sessions.active", UDP_RELAY), "job"), "{{job}} udp"),
            ],
          }),
        ],
      },
      {
        title: "Errors",
        panels: [
          timeseries({
            title: "Sessions that ended badly",
            description: "By service and reason (docs/errors.md says what each means). One reason that grows against the others is bad.",
            unit: CountsPerSecond,
            stacked: true,
            queries: [query(sum(rate("shadowsocks.connections", { outcome: not("OK") }), "job", "outcome"), "{{job}} {{outcome}}")],
          }),
          timeseries({
            title: "Failed dials",
            description:
              "Share of targets (relays) and upstreams (gateways) that could not be reached. Above a quarter for minutes is bad.",
            unit: PercentUnit,
            max: 1,
            queries: [
              query(
                share(
                  observationRate("shadowsocks.dial.duration.seconds", { "error.type": anyOf(DIAL_CODES) }),
                  observationRate("shadowsocks.dial.duration.seconds"),
                  "job",
                ),
                "{{job}}",
              ),
            ],
          }),
          timeseries({
            title: "Refused handshakes",
            description:
              "Clients at the relays that wanted in and could not: wrong key, wrong clock, broken client. A steady climb is bad.",
            unit: CountsPerSecond,
            queries: [
              query(
                sum(rate("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": anyOf(REFUSED_CODES) }), "error.type"),
                "{{error_type}}",
              ),
            ],
          }),
          timeseries({
            title: "Lost datagrams",
            description: "Share of datagrams at the relays that were dropped. Above a few percent is bad for whoever uses UDP.",
            unit: PercentUnit,
            queries: [
              query(
                share(
                  rate("shadowsocks.udp.packets", { ...UDP_RELAY, outcome: not("OK") }),
                  rate("shadowsocks.udp.packets", UDP_RELAY),
                  "network.io.direction",
                ),
                "{{network_io_direction}}",
              ),
            ],
          }),
        ],
      },
      {
        title: "Duration",
        panels: [
          timeseries({
            title: "Dial time, 99th percentile",
            description: "Until the target or upstream stood. Seconds are bad: clients wait that long for the first byte.",
            unit: Seconds,
            queries: [query(quantile(0.99, "shadowsocks.dial.duration.seconds", { "error.type": "OK" }, ["job"]), "{{job}}")],
          }),
          timeseries({
            title: "Management and store, 99th percentile",
            description:
              "Calls of the management API as served and as members see them, and operations on Redis. Above half a second is bad: changes arrive late.",
            unit: Seconds,
            queries: [
              query(quantile(0.99, "rpc.server.call.duration.seconds", { "rpc.method": ANSWERED }), "management"),
              query(quantile(0.99, "rpc.client.call.duration.seconds", { "rpc.method": ANSWERED }, ["job"]), "management, from {{job}}"),
              query(quantile(0.99, "db.client.operation.duration.seconds", {}, ["job"]), "store, from {{job}}"),
            ],
          }),
        ],
      },
      {
        title: "Saturation",
        panels: [
          timeseries({
            title: "Event loop utilisation",
            description: "The busiest process of each service. Above 0.9 for minutes is bad: add processes.",
            unit: PercentUnit,
            max: 1,
            queries: [query(max(gauge("nodejs_eventloop_utilization"), "job"), "{{job}}")],
          }),
          timeseries({
            title: "Resident memory",
            description: "The largest process of each service. A climb that never ends is bad.",
            unit: BytesIEC,
            queries: [query(max(gauge("process.resident.memory.bytes"), "job"), "{{job}}")],
          }),
          timeseries({
            title: "Since management was heard",
            description: "The most of all relays and gateways of a service. Above 60 s is bad: old configuration is in force there.",
            unit: Seconds,
            queries: [query(max(gauge("fleet.config.age.seconds"), "job"), "{{job}}")],
          }),
          timeseries({
            title: "Traffic not in the store yet",
            description: "Payload bytes counted in memory only. A second's worth is normal; a steady climb is bad.",
            unit: BytesIEC,
            queries: [query(sum(gauge("fleet.traffic.unflushed.bytes"), "job"), "{{job}}")],
          }),
        ],
      },
      { title: "Members and management", panels: [unconnectedPanel(), lostStreamsPanel(), memberCallsPanel()] },
      {
        title: "What runs",
        collapsed: true,
        panels: [
          timeseries({
            title: "Versions",
            description: "Processes by version. Two versions for longer than a roll-out takes is bad.",
            unit: Short,
            queries: [query(sum(gauge("fleet.build.info"), "job", "version"), "{{job}} {{version}}")],
          }),
          timeseries({
            title: "Time since start",
            description: "By process. Saw teeth are bad: something restarts again and again.",
            unit: DurationSeconds,
            queries: [query(`time() - ${gauge("process.start.time.seconds")}`, SERVICE_AND_PROCESS)],
          }),
        ],
      },
    ],
  });
}
