import { BitsPerSecondSI, CountsPerSecond, PacketsPerSecond, PercentUnit, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { timeseries } from "../panels/timeseries.ts";
import { bits, count, gauge, max, min, observationRate, orZero, perMinute, quantile, rate, share, sum } from "../promql/expressions.ts";
import { not } from "../promql/series.ts";
import { configAgePanel, reloadsPanel } from "../shared/membership-panels.ts";
import { cpuPanel, descriptorPanel, eventLoopPanel, memoryPanel } from "../shared/process-panels.ts";
import { outcomesPanel, throughputPanel } from "../shared/traffic-panels.ts";

export function gateway() {
  return dashboard({
    name: "gateway",
    title: "Gateway & circuit breaker",
    description: "Do applications get through, which upstream serves them, and which ones does the circuit breaker avoid?",
    service: "gateway",
    top: [
      stat({
        title: "Clients now",
        description: "Client connections open, UDP associations included. A sudden fall is bad.",
        unit: Short,
        query: query(sum(gauge("shadowsocks.connections.active")), "clients"),
      }),
      stat({
        title: "Throughput now",
        description: "Payload, both directions and protocols. A sudden fall while clients stay is bad.",
        unit: BitsPerSecondSI,
        query: query(bits(sum(rate("shadowsocks.relay.bytes"))), "throughput"),
      }),
      stat({
        title: "Requests",
        description: "Complete requests of clients a second. None at all, with clients about, is bad.",
        unit: CountsPerSecond,
        query: query(sum(observationRate("shadowsocks.handshake.duration.seconds")), "requests"),
      }),
      stat({
        title: "Failed tries",
        description: "Share of tries of an upstream that failed. One dead upstream among several costs little; near 1 is bad.",
        unit: PercentUnit,
        query: query(share(rate("shadowsocks.upstream.picks", { result: not("OK") }), rate("shadowsocks.upstream.picks")), "failed"),
      }),
      stat({
        title: "Upstreams failing",
        description: "Upstreams with failCnt above 0 at any gateway. Anything but 0 is bad; all of them is an outage.",
        unit: Short,
        query: query(orZero(count(`${max(gauge("shadowsocks.upstream.fail.count"), "upstream")} > 0`)), "failing"),
        bad: { from: 1 },
      }),
      stat({
        title: "Best upstream's failCnt",
        description:
          "The lowest failCnt there is, at the gateway where it is highest. Above 0 is bad: that gateway has no upstream it trusts.",
        unit: Short,
        query: query(max(min(gauge("shadowsocks.upstream.fail.count"), "instance")), "lowest failCnt"),
        bad: { from: 1 },
      }),
    ],
    rows: [
      {
        title: "Circuit breaker",
        panels: [
          timeseries({
            title: "failCnt by upstream",
            description:
              "One more for each failed try, at most 30; 0 after a success; shared by all gateways. At n above 0 an upstream is tried first with probability 1/(n + 20). A line that climbs or stays is bad.",
            unit: Short,
            queries: [query(max(gauge("shadowsocks.upstream.fail.count"), "upstream"), "{{upstream}}")],
          }),
          timeseries({
            title: "Tries by result",
            description:
              "Upstream tries of all requests. Results other than OK that grow are bad: each costs a client time before the next upstream.",
            unit: CountsPerSecond,
            stacked: true,
            queries: [query(sum(rate("shadowsocks.upstream.picks"), "result"), "{{result}}")],
          }),
          timeseries({
            title: "Requests served, by upstream",
            description:
              "Who carries the load. With policy classic it is the first that works; one that serves nothing, against the policy, is bad.",
            unit: CountsPerSecond,
            stacked: true,
            queries: [query(sum(rate("shadowsocks.upstream.picks", { result: "OK" }), "upstream"), "{{upstream}}")],
          }),
          timeseries({
            title: "Failed tries, by upstream and result",
            description:
              "DIAL_REFUSED: nothing listens there; DIAL_TIMEOUT: the way is blocked; DNS_FAILED: the name is wrong. All are bad.",
            unit: CountsPerSecond,
            queries: [
              query(sum(rate("shadowsocks.upstream.picks", { result: not("OK") }), "upstream", "result"), "{{upstream}} {{result}}"),
            ],
          }),
        ],
      },
      {
        title: "Traffic",
        panels: [
          throughputPanel(),
          timeseries({
            title: "Clients",
            description: "Open now, by process and protocol. Close to `limits.maxConnections` is bad: accepting pauses there.",
            unit: Short,
            queries: [query(gauge("shadowsocks.connections.active"), "{{instance}} {{network_transport}}")],
          }),
        ],
      },
      {
        title: "Errors",
        panels: [
          outcomesPanel(
            "Clients left",
            "By outcome. UPSTREAM_CLOSED_EARLY is mostly a target out of reach; NO_UPSTREAM, or DIAL codes that grow, are bad.",
          ),
          timeseries({
            title: "Requests refused",
            description:
              "Before any upstream was tried, by reason. PROXY_AUTH_FAILED that grows is bad: a wrong password, or someone who tries them.",
            unit: CountsPerSecond,
            queries: [query(sum(rate("shadowsocks.handshake.failures"), "error.type"), "{{error_type}}")],
          }),
          timeseries({
            title: "Datagrams of associations",
            description:
              "By direction and outcome. Outcomes other than OK that last are bad: an application sends what cannot be passed on.",
            unit: PacketsPerSecond,
            queries: [
              query(sum(rate("shadowsocks.udp.packets"), "network.io.direction", "outcome"), "{{network_io_direction}} {{outcome}}"),
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
            title: "Reaching an upstream",
            description: "Resolving and connecting, where it worked. More than the network's round trip is bad: an overloaded relay.",
            unit: Seconds,
            queries: [0.5, 0.9, 0.99].map((q) =>
              query(quantile(q, "shadowsocks.dial.duration.seconds", { "error.type": "OK" }), `p${q * 100}`),
            ),
          }),
          timeseries({
            title: "Until the request was complete",
            description: "From accept, mostly the client's own time. Seconds are bad: an overloaded gateway, or clients that dawdle.",
            unit: Seconds,
            queries: [0.5, 0.9, 0.99].map((q) => query(quantile(q, "shadowsocks.handshake.duration.seconds"), `p${q * 100}`)),
          }),
        ],
      },
      { title: "Saturation", panels: [eventLoopPanel(), descriptorPanel(), configAgePanel(), reloadsPanel()] },
      { title: "Process", collapsed: true, panels: [cpuPanel(), memoryPanel()] },
    ],
  });
}
