import { BitsPerSecondSI, BytesIEC, CountsPerSecond, PacketsPerSecond, PercentUnit, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { timeseries } from "../panels/timeseries.ts";
import { bits, gauge, max, rate, share, sum } from "../promql/expressions.ts";
import { not } from "../promql/series.ts";
import { configAgePanel, configRevisionPanel, flushesPanel, unflushedPanel } from "../shared/membership-panels.ts";
import { cpuPanel, descriptorPanel, eventLoopPanel, memoryPanel } from "../shared/process-panels.ts";
import { lifetimePanel, outcomesPanel, packetsPanel, throughputPanel } from "../shared/traffic-panels.ts";

export function udpRelay() {
  return dashboard({
    name: "udp-relay",
    title: "UDP relay",
    description: "Do datagrams get through in both directions, and is there room for more sessions?",
    service: "udp-relay",
    top: [
      stat({
        title: "Sessions now",
        description: "One for each client address, or SIP022 session, and key. A sudden fall is bad.",
        unit: Short,
        query: query(sum(gauge("shadowsocks.udp.sessions.active")), "sessions"),
      }),
      stat({
        title: "Throughput now",
        description: "Payload, both directions. A sudden fall while sessions stay is bad.",
        unit: BitsPerSecondSI,
        query: query(bits(sum(rate("shadowsocks.relay.bytes", { "network.transport": "udp" }))), "throughput"),
      }),
      stat({
        title: "Datagrams now",
        description: "Passed on a second, both directions. None at all, with clients about, is bad.",
        unit: PacketsPerSecond,
        query: query(sum(rate("shadowsocks.udp.packets", { outcome: "OK" })), "passed on"),
      }),
      stat({
        title: "Lost",
        description: "Share of datagrams dropped, strangers' included. Above a few percent is bad, unless someone probes (see Security).",
        unit: PercentUnit,
        query: query(share(rate("shadowsocks.udp.packets", { outcome: not("OK") }), rate("shadowsocks.udp.packets")), "lost"),
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
          throughputPanel({ "network.transport": "udp" }),
          packetsPanel(),
          timeseries({
            title: "Sessions",
            description: "Open now, by process. Close to `limits.udpSessions` is bad: the oldest give way to new ones.",
            unit: Short,
            queries: [query(gauge("shadowsocks.udp.sessions.active"), PROCESS)],
          }),
          timeseries({
            title: "Payload of a datagram",
            description: "On average. Up to some 1,400 bytes fit a packet; above that is bad: fragments, which many networks lose.",
            unit: BytesIEC,
            queries: [
              query(
                `${sum(rate("shadowsocks.relay.bytes", { "network.transport": "udp" }), "network.io.direction")} / ${sum(rate("shadowsocks.udp.packets", { outcome: "OK" }), "network.io.direction")}`,
                "{{network_io_direction}}",
              ),
            ],
          }),
        ],
      },
      {
        title: "Errors",
        panels: [
          timeseries({
            title: "Datagrams from clients dropped",
            description:
              "By reason. AUTH_FAILED and REPLAYED are strangers or duplicates; DNS_FAILED or UDP_SEND_FAILED that grow are bad: the way out is broken.",
            unit: PacketsPerSecond,
            stacked: true,
            queries: [
              query(sum(rate("shadowsocks.udp.packets", { "network.io.direction": "up", outcome: not("OK") }), "outcome"), "{{outcome}}"),
            ],
          }),
          timeseries({
            title: "Answers dropped",
            description: "By reason, on the way back. Anything lasting is bad: targets answer and clients do not hear it.",
            unit: PacketsPerSecond,
            stacked: true,
            queries: [
              query(sum(rate("shadowsocks.udp.packets", { "network.io.direction": "down", outcome: not("OK") }), "outcome"), "{{outcome}}"),
            ],
          }),
          outcomesPanel(
            "Sessions ended",
            "By outcome. OK is going quiet. UDP_SESSION_LIMIT is bad: sessions in use gave way to new ones; raise the limits or add relays.",
          ),
          timeseries({
            title: "Sessions displaced",
            description: "Ended to stay within the caps. Any is bad: someone was cut off.",
            unit: CountsPerSecond,
            queries: [query(sum(rate("shadowsocks.connections", { outcome: "UDP_SESSION_LIMIT" }), "instance"), PROCESS)],
          }),
        ],
      },
      { title: "Duration", panels: [lifetimePanel({ "network.transport": "udp" })] },
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
