import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { seriesName } from "@shadowfleet/runtime";
import { DATASOURCE } from "./panels/panel.ts";
import { ANY_JOB, jobOf, type Service } from "./promql/services.ts";

/** Every process of ours has it, hence it tells what there is to select. */
const ANCHOR = seriesName("fleet.build.info");
const ALL = { selected: true, text: ["All"], value: ["$__all"] };

/** Data source, namespace, job, instance: each offers what the ones before it leave. */
export function variables(service: Service | undefined): Builder<VariableModel>[] {
  const jobs = service ? jobOf(service) : ANY_JOB;
  return [
    new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"),
    // Where Prometheus knows no namespaces the label is not there, which ".*" matches too.
    queried("namespace", "Namespace", ANCHOR, ".*"),
    // "All" means ours: Prometheus has other jobs, and their processes have the same `up` and `process_…`.
    queried("job", "Job", `${ANCHOR}{namespace=~"$namespace",job=~"${jobs}"}`, jobs),
    queried("instance", "Instance", `${ANCHOR}{namespace=~"$namespace",job=~"$job"}`, ".*"),
  ];
}

function queried(name: string, label: string, selector: string, allValue: string): QueryVariableBuilder {
  const query = `label_values(${selector}, ${name})`;
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ qryType: 1, query, refId: "PrometheusVariableQueryEditor-VariableQuery" })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(allValue)
    .current(ALL);
}
