import { DurationSeconds, OpsPerSecond, PercentUnit, RequestsPerSecond, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { timeseries } from "../panels/timeseries.ts";
import { ANSWERED, SERVER_FAULTS } from "../promql/calls.ts";
import { gauge, max, min, observationRate, observedRate, quantile, rate, share, sum } from "../promql/expressions.ts";
import { anyOf, not } from "../promql/series.ts";
import { cpuPanel, eventLoopPanel, memoryPanel } from "../shared/process-panels.ts";

export function management() {
  return dashboard({
    name: "management",
    title: "Management",
    description: "Are calls served, how fast, and does every member hear of changes?",
    service: "management",
    top: [
      stat({
        title: "Calls now",
        description: "Calls of the API a second, without streams. Members report every 2 s each, so none at all is bad.",
        unit: RequestsPerSecond,
        query: query(sum(observationRate("rpc.server.call.duration.seconds", { "rpc.method": ANSWERED })), "calls"),
      }),
      stat({
        title: "Failed by fault of ours",
        description: "Share of calls that ended UNAVAILABLE, INTERNAL or the like. Above 1 % is bad.",
        unit: PercentUnit,
        query: query(
          share(
            observationRate("rpc.server.call.duration.seconds", { "rpc.method": ANSWERED, "rpc.status_code": anyOf(SERVER_FAULTS) }),
            observationRate("rpc.server.call.duration.seconds", { "rpc.method": ANSWERED }),
          ),
          "failed",
        ),
        bad: { from: 0.01 },
      }),
      stat({
        title: "Shared store",
        description: "Whether every replica reaches Redis. Away is bad: writes are refused with UNAVAILABLE.",
        unit: Short,
        query: query(min(gauge("fleet.store.available")), "store"),
        words: { "0": "away", "1": "answers" },
        bad: { below: 1 },
      }),
      stat({
        title: "Members on streams",
        description: "Configuration streams open at all replicas, one for each relay and gateway. Fewer than members is bad.",
        unit: Short,
        query: query(sum(gauge("fleet.config.watchers")), "streams"),
      }),
      stat({
        title: "Conflicts",
        description:
          "Resources that cannot serve, or that declared ones hide. Anything but 0 is bad: `shadowfleet fleet status` names them.",
        unit: Short,
        query: query(max(gauge("fleet.config.conflicts")), "conflicts"),
        bad: { from: 1 },
      }),
      stat({
        title: "Certificate ends in",
        description: "The soonest of all replicas' certificates. Under 14 days is bad: renew it. No data: the API is served without TLS.",
        unit: DurationSeconds,
        query: query(`${min(gauge("fleet.tls.certificate.not.after.seconds"))} - time()`, "left"),
        bad: { below: 14 * 86_400 },
      }),
    ],
    rows: [
      {
        title: "Rate",
        panels: [
          timeseries({
            title: "Calls by method",
            description:
              "As management served them. ReportStatus is the members'; a method that suddenly dominates is bad: a script in a loop.",
            unit: RequestsPerSecond,
            queries: [query(sum(observationRate("rpc.server.call.duration.seconds"), "rpc.method"), "{{rpc_method}}")],
          }),
          timeseries({
            title: "Calls by status",
            description: "NOT_FOUND, INVALID_ARGUMENT and the like are callers' mistakes; UNAVAILABLE or INTERNAL are ours, and bad.",
            unit: RequestsPerSecond,
            stacked: true,
            queries: [
              query(
                sum(observationRate("rpc.server.call.duration.seconds", { "rpc.method": ANSWERED }), "rpc.status_code"),
                "{{rpc_status_code}}",
              ),
            ],
          }),
        ],
      },
      {
        title: "HTTP",
        panels: [
          timeseries({
            title: "Requests over HTTP by door",
            description: "Key documents, JSON calls, REST APIs and the console. A door that suddenly dominates is bad: a script in a loop.",
            unit: RequestsPerSecond,
            queries: [query(sum(rate("http.server.requests"), "door"), "{{door}}")],
          }),
          timeseries({
            title: "Requests over HTTP by status",
            description: "401 and 404 are wrong tokens and links, 421 another server's name, 429 too many of them; 5xx are ours, and bad.",
            unit: RequestsPerSecond,
            stacked: true,
            queries: [query(sum(rate("http.server.requests"), "http.response.status_code"), "{{http_response_status_code}}")],
          }),
        ],
      },
      {
        title: "Errors",
        panels: [
          timeseries({
            title: "Failed calls by method and status",
            description: "Everything but OK. PERMISSION_DENIED and UNAUTHENTICATED belong to Security too; a line that lasts is bad.",
            unit: RequestsPerSecond,
            queries: [
              query(
                sum(
                  observationRate("rpc.server.call.duration.seconds", { "rpc.method": ANSWERED, "rpc.status_code": not("OK") }),
                  "rpc.method",
                  "rpc.status_code",
                ),
                "{{rpc_method}} {{rpc_status_code}}",
              ),
            ],
          }),
          timeseries({
            title: "Store operations that failed",
            description: "Share by operation. Above 0 for longer than a failover is bad.",
            unit: PercentUnit,
            max: 1,
            queries: [
              query(
                share(
                  observationRate("db.client.operation.duration.seconds", { "error.type": not("OK") }),
                  observationRate("db.client.operation.duration.seconds"),
                  "db.operation.name",
                ),
                "{{db_operation_name}}",
              ),
            ],
          }),
        ],
      },
      {
        title: "Duration",
        panels: [
          timeseries({
            title: "Calls",
            description: "All methods but streams. Half a second at p99 is bad; CreatePort waits for relays up to 5 s by design.",
            unit: Seconds,
            queries: [0.5, 0.9, 0.99].map((q) =>
              query(quantile(q, "rpc.server.call.duration.seconds", { "rpc.method": ANSWERED }), `p${q * 100}`),
            ),
          }),
          timeseries({
            title: "Mean by method",
            description: "A method that becomes slower than it was is bad; the store's share is in the panel below.",
            unit: Seconds,
            queries: [
              query(
                `${sum(observedRate("rpc.server.call.duration.seconds", { "rpc.method": ANSWERED }), "rpc.method")} / ${sum(observationRate("rpc.server.call.duration.seconds", { "rpc.method": ANSWERED }), "rpc.method")}`,
                "{{rpc_method}}",
              ),
            ],
          }),
          timeseries({
            title: "Store operations, 99th percentile",
            description: "By operation, from this side of the network. Above 50 ms is bad: Redis or the way to it is slow.",
            unit: Seconds,
            queries: [
              query(
                quantile(0.99, "db.client.operation.duration.seconds", { "error.type": "OK" }, ["db.operation.name"]),
                "{{db_operation_name}}",
              ),
            ],
          }),
          timeseries({
            title: "Store operations",
            description: "By operation. A rate that grows without more calls or members is bad.",
            unit: OpsPerSecond,
            queries: [query(sum(observationRate("db.client.operation.duration.seconds"), "db.operation.name"), "{{db_operation_name}}")],
          }),
        ],
      },
      {
        title: "Members and configuration",
        panels: [
          timeseries({
            title: "Members",
            description: "Relays and gateways that reported within 10 s, as a replica saw them. Fewer than run is bad.",
            unit: Short,
            queries: [query(max(gauge("fleet.members"), "kind"), "{{kind}}")],
          }),
          timeseries({
            title: "Configuration streams",
            description: "By replica. All on one replica after a roll-out is normal; a saw tooth is bad: members that come and go.",
            unit: Short,
            queries: [query(gauge("fleet.config.watchers"), PROCESS)],
          }),
          timeseries({
            title: "Configuration revision",
            description: "Each change counts one up; replicas follow within milliseconds. Lines apart for seconds are bad.",
            unit: Short,
            queries: [query(gauge("fleet.config.revision"), PROCESS)],
          }),
          timeseries({
            title: "Keys in force",
            description: "By replica. A sudden fall is bad, unless someone deleted, disabled or let expire that many.",
            unit: Short,
            queries: [query(gauge("fleet.keys.active"), PROCESS)],
          }),
        ],
      },
      {
        title: "Webhooks",
        panels: [
          timeseries({
            title: "Events delivered and not",
            description:
              "Tries by webhook and result; failed and refused ones are repeated. WEBHOOK_SKIPPED is bad: an event that its receiver will not get.",
            unit: OpsPerSecond,
            queries: [query(sum(rate("fleet.webhook.deliveries"), "webhook", "outcome"), "{{webhook}} {{outcome}}")],
          }),
          timeseries({
            title: "Age of the event that waits",
            description:
              "By webhook; 0 while the receiver has them all. A line that rises is bad: the receiver is away, and 100,000 events are kept.",
            unit: Seconds,
            queries: [query(max(gauge("fleet.webhook.lag.seconds"), "webhook"), "{{webhook}}")],
          }),
        ],
      },
      { title: "Process", collapsed: true, panels: [eventLoopPanel(), cpuPanel(), memoryPanel()] },
    ],
  });
}
