import { CountsPerSecond, PacketsPerSecond, PercentUnit, RequestsPerSecond, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { PROCESS, SERVICE_AND_PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { timeseries } from "../panels/timeseries.ts";
import { PROBE_CODES } from "../promql/codes.ts";
import { gauge, observationRate, quantile, rate, share, sum } from "../promql/expressions.ts";
import { anyOf } from "../promql/series.ts";
import { GATEWAY, RELAYS, TCP_RELAY, UDP_RELAY } from "../promql/services.ts";
import { securityTop } from "./security-top.ts";

export function security() {
  return dashboard({
    name: "security",
    title: "Security",
    description: "Who tries to get in without a key, who repeats what others sent, and who wants what the guard refuses?",
    top: securityTop(),
    rows: [
      {
        title: "Strangers",
        panels: [
          timeseries({
            title: "TCP handshakes that failed",
            description: "At the relays, by reason. A step against the hours before is bad: the port was found by probers.",
            unit: CountsPerSecond,
            stacked: true,
            queries: [query(sum(rate("shadowsocks.handshake.failures", TCP_RELAY), "error.type"), "{{error_type}}")],
          }),
          timeseries({
            title: "UDP datagrams that no key opens, or seen before",
            description: "At the relays, by reason. A few REPLAYED are duplicates of the network; a steady stream of either is bad.",
            unit: PacketsPerSecond,
            stacked: true,
            queries: [
              query(
                sum(
                  rate("shadowsocks.udp.packets", {
                    ...UDP_RELAY,
                    "network.io.direction": "up",
                    outcome: anyOf(["AUTH_FAILED", "TRIAL_LIMIT", "REPLAYED", "BAD_TIMESTAMP", "TOO_SHORT", "BAD_HEADER", "BAD_ADDRESS"]),
                  }),
                  "outcome",
                ),
                "{{outcome}}",
              ),
            ],
          }),
          timeseries({
            title: "Replays by relay",
            description: "TCP. All on one relay is bad for that address: someone records its traffic and sends it again.",
            unit: CountsPerSecond,
            queries: [query(sum(rate("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": "REPLAYED" }), "instance"), PROCESS)],
          }),
          timeseries({
            title: "Wrong keys by relay",
            description:
              "TCP. On all relays at once it is a client with an old key; on one, a prober of that address. Both are bad if they last.",
            unit: CountsPerSecond,
            queries: [
              query(sum(rate("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": "AUTH_FAILED" }), "instance"), PROCESS),
            ],
          }),
          timeseries({
            title: "Strangers now",
            description:
              "TCP connections that have shown no key, by relay. At `limits.strangers` (4096 by default) it is bad: a flood from many addresses.",
            unit: Short,
            queries: [query(gauge("shadowsocks.strangers.active", TCP_RELAY), PROCESS)],
          }),
          timeseries({
            title: "Floods held back",
            description:
              "Strangers that made room for newer ones, by limit, and handshakes for which not every key was tried. Any is bad: total means that clients from new addresses may be refused.",
            unit: CountsPerSecond,
            queries: [
              query(sum(rate("shadowsocks.strangers.displaced", TCP_RELAY), "limit"), "displaced, {{limit}}"),
              query(sum(rate("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": "TRIAL_LIMIT" })), "keys not tried"),
            ],
          }),
          timeseries({
            title: "Salts remembered",
            description:
              "By relay, to know replays by. Falls when a generation is dropped; growth far beyond the sessions begun is bad: someone fills it.",
            unit: Short,
            queries: [query(gauge("shadowsocks.replay.filter.entries", RELAYS), SERVICE_AND_PROCESS)],
          }),
          timeseries({
            title: "Shared replay filter",
            description:
              "What the relays' common set said of handshakes that their own filters let in. REPLAYED was recorded at one relay and sent to another; REPLAY_UNCHECKED that lasts is bad: the store does not answer.",
            unit: CountsPerSecond,
            queries: [query(sum(rate("shadowsocks.replay.shared.claims", TCP_RELAY), "outcome"), "{{outcome}}")],
          }),
          timeseries({
            title: "How long connections stay",
            description:
              "TCP, at the relays. Strangers are kept until they leave or the handshake's time is over (60 s by default). A median of exactly that is bad: mostly strangers come.",
            unit: Seconds,
            queries: [
              query(quantile(0.99, "shadowsocks.connection.duration.seconds", { ...TCP_RELAY, "network.transport": "tcp" }), "p99"),
              query(quantile(0.5, "shadowsocks.connection.duration.seconds", { ...TCP_RELAY, "network.transport": "tcp" }), "p50"),
            ],
          }),
        ],
      },
      {
        title: "Holders of keys",
        panels: [
          timeseries({
            title: "Targets the guard refused",
            description:
              "TCP sessions and UDP datagrams. A steady rate is bad: a client that wants into private networks. The relays' log has the key's id.",
            unit: CountsPerSecond,
            queries: [
              query(sum(rate("shadowsocks.connections", { ...TCP_RELAY, outcome: "TARGET_FORBIDDEN" }), "instance"), "tcp {{instance}}"),
              query(sum(rate("shadowsocks.udp.packets", { ...UDP_RELAY, outcome: "TARGET_FORBIDDEN" }), "instance"), "udp {{instance}}"),
            ],
          }),
          timeseries({
            title: "Sessions cut off",
            description: "Because a key was deleted, disabled, expired or its session terminated. More than was decided is bad.",
            unit: CountsPerSecond,
            queries: [query(sum(rate("shadowsocks.connections", { outcome: "SESSION_TERMINATED" }), "job"), "{{job}}")],
          }),
        ],
      },
      {
        title: "Gateway and management",
        panels: [
          timeseries({
            title: "Requests the gateway refused",
            description:
              "By reason. PROXY_AUTH_FAILED or PROTOCOL_UNKNOWN at a steady rate is bad: the port is open to people who should not see it.",
            unit: CountsPerSecond,
            queries: [query(sum(rate("shadowsocks.handshake.failures", GATEWAY), "error.type"), "{{error_type}}")],
          }),
          timeseries({
            title: "API calls without the right",
            description:
              "No token or an unknown one (UNAUTHENTICATED), or a role that does not suffice (PERMISSION_DENIED). A steady rate is bad.",
            unit: RequestsPerSecond,
            queries: [
              query(
                sum(
                  observationRate("rpc.server.call.duration.seconds", {
                    "rpc.status_code": anyOf(["UNAUTHENTICATED", "PERMISSION_DENIED"]),
                  }),
                  "rpc.method",
                  "rpc.status_code",
                ),
                "{{rpc_method}} {{rpc_status_code}}",
              ),
            ],
          }),
          timeseries({
            title: "API limits broken",
            description:
              "Connections and calls of the management API that were cut, by limit. More than a few is bad: someone floods it, or the fleet outgrew the cap of connections.",
            unit: CountsPerSecond,
            queries: [
              query(sum(rate("rpc.server.limits.broken"), "limit"), "gRPC {{limit}}"),
              query(sum(rate("http.server.limits.broken"), "limit"), "HTTP {{limit}}"),
            ],
          }),
          timeseries({
            title: "Draining",
            description: "Processes that are told to stop and see their sessions out. One that drains unasked is bad.",
            unit: Short,
            queries: [query(gauge("fleet.draining"), SERVICE_AND_PROCESS)],
          }),
          timeseries({
            title: "Strangers against clients",
            description:
              "Share of accepted TCP connections that showed no key. Near 1 is bad on a port people use, and normal on an unused one.",
            unit: PercentUnit,
            max: 1,
            queries: [
              query(
                share(
                  rate("shadowsocks.connections", { ...TCP_RELAY, outcome: anyOf([...PROBE_CODES, "REPLAYED"]) }),
                  rate("shadowsocks.connections", TCP_RELAY),
                  "instance",
                ),
                PROCESS,
              ),
            ],
          }),
        ],
      },
    ],
  });
}
