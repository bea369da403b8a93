import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { BytesIEC, CountsPerSecond, RequestsPerSecond, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { timeseries } from "../panels/timeseries.ts";
import { gauge, observationRate, perMinute, rate, sum } from "../promql/expressions.ts";

export function configAgePanel(): Builder<Panel> {
  return timeseries({
    title: "Since management was heard",
    description:
      "Management speaks every 5 s. Above 60 s is bad: the process goes on with the configuration it has, and new or deleted keys do not reach it.",
    unit: Seconds,
    queries: [query(gauge("fleet.config.age.seconds"), PROCESS)],
  });
}

export function configRevisionPanel(): Builder<Panel> {
  return timeseries({
    title: "Configuration revision",
    description:
      "All lines lie on each other a second after a change. One that stays below the others is bad: that process serves old keys.",
    unit: Short,
    queries: [query(gauge("fleet.config.revision"), PROCESS)],
  });
}

export function reloadsPanel(): Builder<Panel> {
  return timeseries({
    title: "Configuration applied",
    description: "Changes taken over, by result. Anything but OK is bad: that change is not in force there, and the log says why.",
    unit: CountsPerSecond,
    queries: [query(sum(rate("fleet.config.reloads"), "outcome"), "{{outcome}}")],
  });
}

export function unflushedPanel(legend = PROCESS): Builder<Panel> {
  return timeseries({
    title: "Traffic not in the store yet",
    description:
      "Payload bytes counted in a relay's memory. Up to a second's traffic is normal; a steady climb is bad: the store does not take counts, and a killed relay would lose them.",
    unit: BytesIEC,
    queries: [query(gauge("fleet.traffic.unflushed.bytes"), legend)],
  });
}

export function flushesPanel(): Builder<Panel> {
  return timeseries({
    title: "Batches of counts sent",
    description: "About one a second for each relay with traffic. Anything but OK is bad: the batch is kept and sent again.",
    unit: CountsPerSecond,
    queries: [query(sum(rate("fleet.traffic.flushes"), "outcome"), "{{outcome}}")],
  });
}

export function unconnectedPanel(): Builder<Panel> {
  return timeseries({
    title: "Members without management",
    description: "Relays and gateways with no configuration stream now. Seconds after a roll-out are normal; any that last are bad.",
    unit: Short,
    queries: [query(sum(`(1 - ${gauge("fleet.management.connected")})`, "job"), "{{job}}")],
  });
}

export function lostStreamsPanel(): Builder<Panel> {
  return timeseries({
    title: "Configuration streams lost, times a minute",
    description:
      "By relays and gateways. A few when management is rolled out; a steady rate is bad: something between them cuts connections.",
    unit: Short,
    queries: [query(perMinute(sum(rate("fleet.management.disconnects"), "job")), "{{job}}")],
  });
}

export function memberCallsPanel(): Builder<Panel> {
  return timeseries({
    title: "Calls of members to management",
    description: "As relays and gateways see them, by status; one status report every 2 s each. Anything but OK that lasts is bad.",
    unit: RequestsPerSecond,
    queries: [query(sum(observationRate("rpc.client.call.duration.seconds"), "job", "rpc.status_code"), "{{job}} {{rpc_status_code}}")],
  });
}
