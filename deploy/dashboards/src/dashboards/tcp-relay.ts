import { BitsPerSecondSI, CountsPerSecond, PercentUnit, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { timeseries } from "../panels/timeseries.ts";
import { DIAL_CODES } from "../promql/codes.ts";
import { bits, gauge, max, observationRate, perMinute, quantile, rate, share, sum } from "../promql/expressions.ts";
import { anyOf, not } from "../promql/series.ts";
import { configAgePanel, configRevisionPanel, flushesPanel, unflushedPanel } from "../shared/membership-panels.ts";
import { cpuPanel, descriptorPanel, eventLoopPanel, memoryPanel } from "../shared/process-panels.ts";
import { lifetimePanel, outcomesPanel, throughputPanel } from "../shared/traffic-panels.ts";

export function tcpRelay() {
  return dashboard({
    name: "tcp-relay",
    title: "TCP relay",
    description: "Do clients get in, do their targets answer, and is there room for more?",
    service: "tcp-relay",
    top: [
      stat({
        title: "Connections now",
        description: "Client connections open, with or without a key. A sudden fall is bad.",
        unit: Short,
        query: query(sum(gauge("shadowsocks.connections.active", { "network.transport": "tcp" })), "connections"),
      }),
      stat({
        title: "Throughput now",
        description: "Payload, both directions. A sudden fall while connections stay is bad.",
        unit: BitsPerSecondSI,
        query: query(bits(sum(rate("shadowsocks.relay.bytes", { "network.transport": "tcp" }))), "throughput"),
      }),
      stat({
        title: "Sessions begun",
        description: "Handshakes accepted a second. None at all, with clients about, is bad.",
        unit: CountsPerSecond,
        query: query(sum(observationRate("shadowsocks.handshake.duration.seconds")), "begun"),
      }),
      stat({
        title: "Failed dials",
        description: "Share of targets that could not be reached. Above a quarter is bad: the relay's way out is broken, or its DNS.",
        unit: PercentUnit,
        query: query(
          share(
            observationRate("shadowsocks.dial.duration.seconds", { "error.type": anyOf(DIAL_CODES) }),
            observationRate("shadowsocks.dial.duration.seconds"),
          ),
          "failed",
        ),
        bad: { from: 0.25 },
      }),
      stat({
        title: "Ports bound",
        description: "Listening ports of all relays together. Fewer than ports times relays is bad.",
        unit: Short,
        query: query(sum(gauge("fleet.ports.bound")), "bound"),
      }),
      stat({
        title: "Ports failed",
        description: "Ports that could not be bound or served. Anything but 0 is bad: clients of that port reach nothing.",
        unit: Short,
        query: query(sum(gauge("fleet.ports.failed")), "failed"),
        bad: { from: 1 },
      }),
    ],
    rows: [
      {
        title: "Traffic",
        panels: [
          throughputPanel({ "network.transport": "tcp" }),
          timeseries({
            title: "Connections",
            description: "Open now, by process. One process far above the others is bad: the load is not spread.",
            unit: Short,
            queries: [query(gauge("shadowsocks.connections.active", { "network.transport": "tcp" }), PROCESS)],
          }),
        ],
      },
      {
        title: "Errors",
        panels: [
          outcomesPanel(
            "Connections ended",
            "By outcome. Resets by clients (RELAY_CLIENT_ERROR) are everyday; DIAL codes, OUT_OF_DESCRIPTORS or INTERNAL that grow are bad.",
          ),
          timeseries({
            title: "Handshakes that failed",
            description: "By reason. AUTH_FAILED that grows is bad: clients with wrong keys, or probers (see Security).",
            unit: CountsPerSecond,
            stacked: true,
            queries: [query(sum(rate("shadowsocks.handshake.failures"), "error.type"), "{{error_type}}")],
          }),
          timeseries({
            title: "Dials that failed",
            description: "By reason. Many at once are bad: DNS_FAILED is the resolver, DIAL codes the network; TARGET_FORBIDDEN is policy.",
            unit: CountsPerSecond,
            stacked: true,
            queries: [
              query(sum(observationRate("shadowsocks.dial.duration.seconds", { "error.type": not("OK") }), "error.type"), "{{error_type}}"),
            ],
          }),
          timeseries({
            title: "Accepting paused, times a minute",
            description: "Because descriptors or the connection cap ran out. Any is bad: clients were refused meanwhile.",
            unit: Short,
            queries: [query(perMinute(rate("shadowsocks.listener.pauses")), PROCESS)],
          }),
        ],
      },
      {
        title: "Duration",
        panels: [
          timeseries({
            title: "Handshake",
            description:
              "Accept to authenticated target address, mostly the client's round trip. Seconds at the median are bad: an overloaded process.",
            unit: Seconds,
            queries: [0.5, 0.9, 0.99].map((q) => query(quantile(q, "shadowsocks.handshake.duration.seconds"), `p${q * 100}`)),
          }),
          timeseries({
            title: "Dial",
            description: "Resolving and connecting, where it worked. A median of seconds is bad: clients wait that long for everything.",
            unit: Seconds,
            queries: [0.5, 0.9, 0.99].map((q) =>
              query(quantile(q, "shadowsocks.dial.duration.seconds", { "error.type": "OK" }), `p${q * 100}`),
            ),
          }),
          lifetimePanel({ "network.transport": "tcp" }),
        ],
      },
      {
        title: "Saturation",
        panels: [
          eventLoopPanel(),
          descriptorPanel(),
          timeseries({
            title: "Keys in force and salts remembered",
            description:
              "What the relay holds in memory for authentication. Relays that differ in keys for minutes are bad: one missed a change.",
            unit: Short,
            queries: [
              query(max(gauge("fleet.keys.active"), "instance"), "keys {{instance}}"),
              query(max(gauge("shadowsocks.replay.filter.entries"), "instance"), "salts {{instance}}"),
            ],
          }),
        ],
      },
      { title: "Configuration and counts", panels: [configAgePanel(), configRevisionPanel(), unflushedPanel(), flushesPanel()] },
      { title: "Process", collapsed: true, panels: [cpuPanel(), memoryPanel()] },
    ],
  });
}
