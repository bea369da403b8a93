import { type DashboardJson, type PanelJson, panelsOf, type VariableJson } from "./files/dashboard-files.ts";
import { parseQuery } from "./promql/query.ts";
import { ANYTHING, substitute } from "./promql/substitution.ts";

const TAG = "shadowfleet";
const DATASOURCE = /^\$(datasource|\{datasource\})$/;
const VARIABLES = ["datasource", "namespace", "job", "instance"];
const COLUMNS = 24;
const MAX_PANELS = 25;
const ON_TIME_RANGE_CHANGE = 2;
/** Prometheus's own series of alerts keeps the labels of the alert, which may have no job. */
const WITHOUT_SCOPE = ["ALERTS"];

/** What breaks the conventions that all dashboards keep; empty when none. */
export function lintDashboard(dashboard: DashboardJson): string[] {
  const panels = panelsOf(dashboard);
  return [
    ...lintFrame(dashboard),
    ...lintVariables(dashboard.templating.list),
    ...(panels.length > MAX_PANELS ? [`${panels.length} panels`] : []),
    ...repeated(dashboard.panels.flatMap((panel) => [panel.id, ...(panel.panels ?? []).map(({ id }) => id)])).map(
      (id) => `panel id ${id} twice`,
    ),
    ...repeated(panels.map(({ title }) => title)).map((title) => `panel title ${title} twice`),
    ...panels.flatMap((panel) => lintPanel(panel).map((problem) => `${panel.title}: ${problem}`)),
    ...lintGrid(dashboard.panels),
    ...dashboard.panels.flatMap((row) => lintGrid(row.panels ?? [])),
  ];
}

function lintFrame({ id, uid, title, description, tags, editable, graphTooltip, links, annotations }: DashboardJson): string[] {
  const problems: string[] = [];
  if (id !== undefined) problems.push("has an id, which belongs to one Grafana");
  if (!/^shadowfleet-[a-z-]{3,28}$/.test(uid)) problems.push(`uid ${uid}`);
  if (!title.startsWith("Fleet / ")) problems.push(`title ${title}`);
  if (!description?.endsWith("?")) problems.push("its description asks no question");
  if (!tags.includes(TAG)) problems.push("not tagged");
  if (editable) problems.push("editable");
  if (graphTooltip !== 1) problems.push("no shared crosshair");
  if (!links.some((link) => link.type === "dashboards" && link.tags.includes(TAG) && link.includeVars && link.keepTime))
    problems.push("no link to the other dashboards that keeps time and selection");
  if ([...links, ...annotations.list].some(({ placement }) => placement !== undefined))
    problems.push("links or annotations hidden in a menu");
  for (const { name, datasource } of annotations.list)
    if (!DATASOURCE.test(datasource.uid ?? "")) problems.push(`annotation ${name}: data source`);
  return problems;
}

function lintVariables(variables: readonly VariableJson[]): string[] {
  const problems: string[] = [];
  const names = variables.map(({ name }) => name);
  if (names.join() !== VARIABLES.join()) problems.push(`variables ${names.join(", ")}`);
  if (variables[0]?.type !== "datasource") problems.push("the first variable chooses no data source");
  for (const { name, multi, includeAll, allValue, refresh, datasource } of variables.slice(1)) {
    if (!multi || !includeAll || !allValue) problems.push(`$${name}: not several, or not all`);
    if (refresh !== ON_TIME_RANGE_CHANGE) problems.push(`$${name}: not asked again when the time changes`);
    if (!DATASOURCE.test(datasource?.uid ?? "")) problems.push(`$${name}: data source`);
  }
  return problems;
}

function lintPanel({ title, description = "", type, targets = [], datasource, fieldConfig }: PanelJson): string[] {
  const problems: string[] = [];
  if (title.trim() === "") problems.push("no title");
  if (!/\b(bad|good)\b/.test(description)) problems.push("its description does not say what bad looks like");
  if (type === "text") return problems;
  if (targets.length === 0) problems.push("asks nothing");
  if (!fieldConfig?.defaults.unit) problems.push("no unit");
  if (!DATASOURCE.test(datasource?.uid ?? "")) problems.push("data source");
  for (const { refId, expr, legendFormat, datasource } of targets) {
    if (!DATASOURCE.test(datasource?.uid ?? "")) problems.push(`${refId}: data source`);
    // A table has columns for that.
    if (type !== "table" && legendFormat.trim() === "") problems.push(`${refId}: no legend`);
    problems.push(...lintQuery(expr).map((problem) => `${refId}: ${problem}`));
  }
  return [...problems, ...repeated(targets.map(({ refId }) => refId)).map((id) => `query ${id} twice`)];
}

/** Ranges that fit whatever the dashboard shows, and the variables in every selector. */
function lintQuery(expr: string): string[] {
  const problems: string[] = [];
  for (const [, range] of expr.matchAll(/\[([^\]]*)\]/g)) {
    if (range !== "$__rate_interval" && range !== "$__range") problems.push(`range ${range}`);
  }
  // Variables inside of strings do not disturb the parser; ranges do.
  for (const { name, matchers } of parseQuery(substitute(expr, { ...ANYTHING, variables: {} })).selectors) {
    const scope = WITHOUT_SCOPE.includes(name) ? ["namespace"] : ["namespace", "job", "instance"];
    for (const label of scope) {
      if (!matchers.some((matcher) => matcher.label === label && matcher.operator === "=~" && matcher.value === `$${label}`))
        problems.push(`${name} is not limited to $${label}`);
    }
  }
  return problems;
}

function lintGrid(panels: readonly PanelJson[]): string[] {
  const problems: string[] = [];
  for (const [index, panel] of panels.entries()) {
    const { x, y, w, h } = panel.gridPos;
    if (x < 0 || w < 1 || h < 1 || x + w > COLUMNS) problems.push(`${panel.title}: outside of the grid`);
    for (const { title, gridPos: other } of panels.slice(index + 1)) {
      if (x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h)
        problems.push(`${panel.title} overlaps ${title}`);
    }
    if (panel.collapsed && panels.slice(index + 1).some((later) => !later.collapsed))
      problems.push(`${panel.title}: a collapsed row is not last`);
  }
  return problems;
}

function repeated<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
