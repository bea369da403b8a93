import { BytesIEC, DurationSeconds, OpsPerSecond, PercentUnit, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { SERVICE_AND_PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { timeseries } from "../panels/timeseries.ts";
import { gauge, max, min, observationRate, quantile, rate, share, sum } from "../promql/expressions.ts";
import { not } from "../promql/series.ts";
import { flushesPanel, unflushedPanel } from "../shared/membership-panels.ts";

/** Each replica of management asks every node: the same figure from each, hence the highest. */
const byNode = (expression: string) => max(expression, "redis.node");

export function redis() {
  return dashboard({
    name: "redis",
    title: "Redis",
    description: "Does the shared store answer, is what it holds safe, and is there room?",
    top: [
      stat({
        title: "Reached",
        description: "Whether every replica of management reaches it. Away is bad: no changes, and counts wait in the relays' memory.",
        unit: Short,
        query: query(min(gauge("fleet.store.available")), "store"),
        words: { "0": "away", "1": "answers" },
        bad: { below: 1 },
      }),
      stat({
        title: "On disk",
        description:
          "Whether every node keeps an append-only file and its last write succeeded. No is bad: a restart loses keys and counters.",
        unit: Short,
        query: query(min(gauge("fleet.redis.aof.ok")), "aof"),
        words: { "0": "no", "1": "yes" },
        bad: { below: 1 },
      }),
      stat({
        title: "Memory now",
        description: "Used for data by the node that uses most. Compare with its limit; a climb that never ends is bad.",
        unit: BytesIEC,
        query: query(max(gauge("fleet.redis.memory.bytes")), "memory"),
      }),
      stat({
        title: "Commands now",
        description: "Processed a second by all nodes. None at all is bad: nobody reaches it.",
        unit: OpsPerSecond,
        query: query(sum(byNode(rate("fleet.redis.commands"))), "commands"),
      }),
      stat({
        title: "Replicas now",
        description: "Connected to all nodes together. Fewer than there should be is bad: a failover could lose what was not copied.",
        unit: Short,
        query: query(sum(byNode(gauge("fleet.redis.replicas"))), "replicas"),
      }),
      stat({
        title: "Youngest node",
        description: "Time since the latest start of a node. Minutes, unasked, are bad: it was restarted, maybe for want of memory.",
        unit: DurationSeconds,
        query: query(min(gauge("fleet.redis.uptime.seconds")), "youngest"),
      }),
    ],
    rows: [
      {
        title: "Nodes",
        panels: [
          timeseries({
            title: "Memory",
            description:
              "Used for data. The limit is beside it where there is one; meeting it is bad: writes are refused, or data is evicted.",
            unit: BytesIEC,
            queries: [
              query(byNode(gauge("fleet.redis.memory.bytes")), "used {{redis_node}}"),
              query(`${byNode(gauge("fleet.redis.memory.limit.bytes"))} > 0`, "limit {{redis_node}}"),
            ],
          }),
          timeseries({
            title: "Keys",
            description: "In the fleet's database. It grows with access keys and their hours of traffic; anything else that grows is bad.",
            unit: Short,
            queries: [query(byNode(gauge("fleet.redis.keys")), "{{redis_node}}")],
          }),
          timeseries({
            title: "Clients",
            description: "Connections to Redis. Each process of the fleet has a few; a climb is bad: connections that are not given back.",
            unit: Short,
            queries: [query(byNode(gauge("fleet.redis.clients")), "{{redis_node}}")],
          }),
          timeseries({
            title: "Commands",
            description: "Processed, by node. A rate that grows without more members or calls is bad.",
            unit: OpsPerSecond,
            queries: [query(byNode(rate("fleet.redis.commands")), "{{redis_node}}")],
          }),
          timeseries({
            title: "Replicas",
            description: "Connected to each node. A fall is bad.",
            unit: Short,
            queries: [query(byNode(gauge("fleet.redis.replicas")), "{{redis_node}}")],
          }),
          timeseries({
            title: "Time since start",
            description: "By node. Saw teeth are bad.",
            unit: DurationSeconds,
            queries: [query(byNode(gauge("fleet.redis.uptime.seconds")), "{{redis_node}}")],
          }),
        ],
      },
      {
        title: "As the fleet sees it",
        panels: [
          timeseries({
            title: "Operations",
            description: "By name, all processes. A rate that grows without more members or calls is bad.",
            unit: OpsPerSecond,
            queries: [query(sum(observationRate("db.client.operation.duration.seconds"), "db.operation.name"), "{{db_operation_name}}")],
          }),
          timeseries({
            title: "Operations, 99th percentile",
            description: "By service. Above 50 ms is bad: Redis is slow, or the way to it.",
            unit: Seconds,
            queries: [query(quantile(0.99, "db.client.operation.duration.seconds", { "error.type": "OK" }, ["job"]), "{{job}}")],
          }),
          timeseries({
            title: "Operations that failed",
            description: "Share by service. Above 0 for longer than a failover is bad.",
            unit: PercentUnit,
            max: 1,
            queries: [
              query(
                share(
                  observationRate("db.client.operation.duration.seconds", { "error.type": not("OK") }),
                  observationRate("db.client.operation.duration.seconds"),
                  "job",
                ),
                "{{job}}",
              ),
            ],
          }),
          timeseries({
            title: "Operations by result",
            description: "Everything but OK is bad, unless it is over after a failover.",
            unit: OpsPerSecond,
            stacked: true,
            queries: [query(sum(observationRate("db.client.operation.duration.seconds"), "error.type"), "{{error_type}}")],
          }),
          unflushedPanel(SERVICE_AND_PROCESS),
          flushesPanel(),
        ],
      },
    ],
  });
}
