import { labelName, METRICS, type MetricName, RUNTIME_METRICS, seriesName, seriesType } from "@shadowfleet/runtime";

export interface SeriesFacts {
  /** `bucket`: of a histogram, by `le`. `recorded`: by a rule, labels by its level. */
  readonly type: "counter" | "gauge" | "bucket" | "recorded";
  /** Beside those of the target. Undefined: whatever the rule left. */
  readonly labels: readonly string[] | undefined;
}

/** What Prometheus puts on everything it scrapes here. */
export const TARGET_LABELS = ["namespace", "job", "instance"];

/** What there is without the fleet doing anything. */
const PROMETHEUS_OWN: Readonly<Record<string, SeriesFacts>> = {
  up: { type: "gauge", labels: [] },
  scrape_duration_seconds: { type: "gauge", labels: [] },
  ALERTS: { type: "gauge", labels: ["alertname", "alertstate", "severity"] },
};

/** Every series there may be in a query, by name. */
export function seriesTable(recorded: readonly string[]): ReadonlyMap<string, SeriesFacts> {
  const table = new Map<string, SeriesFacts>(Object.entries(PROMETHEUS_OWN));
  for (const name of Object.keys(METRICS) as MetricName[]) {
    add(table, seriesName(name), seriesType(name), METRICS[name].attributes.map(labelName));
  }
  for (const { series, type, labels } of RUNTIME_METRICS) add(table, series, type, labels);
  for (const name of recorded) table.set(name, { type: "recorded", labels: undefined });
  return table;
}

function add(table: Map<string, SeriesFacts>, name: string, type: "counter" | "gauge" | "histogram", labels: readonly string[]): void {
  if (type !== "histogram") {
    table.set(name, { type, labels });
    return;
  }
  table.set(`${name}_bucket`, { type: "bucket", labels: [...labels, "le"] });
  table.set(`${name}_sum`, { type: "counter", labels });
  table.set(`${name}_count`, { type: "counter", labels });
}
