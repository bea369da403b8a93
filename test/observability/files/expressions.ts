import { panelsOf, readDashboards, variableQuery } from "./dashboard-files.ts";
import { readRules } from "./rule-files.ts";

/** One query as somebody will ask it. */
export interface Expression {
  /** "Fleet / Gateway > Tries by result > A". */
  readonly where: string;
  readonly kind: "panel" | "annotation" | "variable" | "recording" | "alert";
  readonly expr: string;
  /** How a panel names what is answered; "" where nothing is named. */
  readonly legend: string;
}

/** A dashboard's queries, with what "All" stands for there. */
export interface DashboardExpressions {
  readonly title: string;
  readonly allValues: Readonly<Record<string, string>>;
  readonly expressions: readonly Expression[];
}

export function dashboardExpressions(): readonly DashboardExpressions[] {
  return readDashboards().map((dashboard) => {
    const { title, annotations, templating } = dashboard;
    const expression = (kind: Expression["kind"], name: string, expr: string, legend = ""): Expression => ({
      where: `${title} > ${name}`,
      kind,
      expr,
      legend,
    });
    return {
      title,
      allValues: Object.fromEntries(templating.list.map(({ name, allValue }) => [name, allValue ?? ""])),
      expressions: [
        ...panelsOf(dashboard).flatMap((panel) =>
          (panel.targets ?? []).map(({ refId, expr, legendFormat }) =>
            expression("panel", `${panel.title} > ${refId}`, expr, legendFormat),
          ),
        ),
        ...annotations.list.map(({ name, expr }) => expression("annotation", name, expr)),
        ...templating.list.flatMap((variable) => {
          const query = variableQuery(variable);
          return query === undefined ? [] : [expression("variable", `$${variable.name}`, query)];
        }),
      ],
    };
  });
}

/** Of recording rules and alerts. */
export function ruleExpressions(): readonly Expression[] {
  const { recording, alerts } = readRules();
  return [
    ...recording.map(({ record, expr }): Expression => ({ where: record, kind: "recording", expr, legend: "" })),
    ...alerts.map(({ alert, labels, expr }): Expression => ({ where: `${alert} (${labels?.severity})`, kind: "alert", expr, legend: "" })),
  ];
}

/** A legend's name of one answer. Throws for a label that the answer does not have. */
export function nameOf(legend: string, metric: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => {
    const value = metric[label];
    if (!value) throw new Error(`the legend wants the label ${label}, which an answer does not have`);
    return value;
  });
}

/** `label_values(SELECTOR, LABEL)` in its parts. */
export function labelValues(query: string): { readonly selector: string; readonly label: string } {
  const match = /^label_values\((.*),\s*(\w+)\)$/.exec(query);
  if (!match) throw new Error(`not label_values(selector, label): ${query}`);
  return { selector: match[1]!, label: match[2]! };
}
