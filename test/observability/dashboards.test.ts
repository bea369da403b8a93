import assert from "node:assert/strict";
import { test } from "node:test";
import { lintDashboard } from "./dashboard-lint.ts";
import { type DashboardJson, readDashboards } from "./files/dashboard-files.ts";

const dashboards = readDashboards();

test("there are nine dashboards, and they keep the conventions", () => {
  assert.equal(dashboards.length, 9);
  const problems = dashboards.flatMap((dashboard) => lintDashboard(dashboard).map((problem) => `${dashboard.title}: ${problem}`));
  assert.deepEqual(problems, []);
});

/** A healthy dashboard with something changed deep inside. */
function changed(change: (copy: Mutable) => void): DashboardJson {
  const copy = structuredClone(dashboards.find(({ uid }) => uid === "shadowfleet-overview")!) as unknown as Mutable;
  change(copy);
  return copy as unknown as DashboardJson;
}

// biome-ignore lint/suspicious/noExplicitAny: broken on purpose, in ways its type would not allow
type Mutable = any;

test("the check can fail: each broken convention is seen", () => {
  const cases: [RegExp, (copy: Mutable) => void][] = [
    [/has an id/, (copy) => Object.assign(copy, { id: 7 })],
    [/uid/, (copy) => Object.assign(copy, { uid: "overview" })],
    [/title Fleet overview/, (copy) => Object.assign(copy, { title: "Fleet overview" })],
    [/asks no question/, (copy) => Object.assign(copy, { description: "" })],
    [/not tagged/, (copy) => Object.assign(copy, { tags: [] })],
    [/editable/, (copy) => Object.assign(copy, { editable: true })],
    [/crosshair/, (copy) => Object.assign(copy, { graphTooltip: 0 })],
    [/no link/, (copy) => Object.assign(copy.links[0], { keepTime: false })],
    [/hidden in a menu/, (copy) => Object.assign(copy.links[0], { placement: "inControlsMenu" })],
    [/annotation Alerts: data source/, (copy) => Object.assign(copy.annotations.list[0].datasource, { uid: "prometheus" })],
    [/variables instance, job/, (copy) => copy.templating.list.reverse()],
    [/not several/, (copy) => Object.assign(copy.templating.list[2], { multi: false })],
    [/not asked again/, (copy) => Object.assign(copy.templating.list[2], { refresh: 1 })],
    [/\$job: data source/, (copy) => Object.assign(copy.templating.list[2].datasource, { uid: "P1" })],
    [/32 panels/, (copy) => copy.panels.push(...copy.panels.slice(0, 7))],
    [/panel id 1 twice/, (copy) => Object.assign(copy.panels[1], { id: 1 })],
    [/title Processes up twice/, (copy) => Object.assign(copy.panels[1], { title: "Processes up" })],
    [/no title/, (copy) => Object.assign(copy.panels[0], { title: "" })],
    [/what bad looks like/, (copy) => Object.assign(copy.panels[0], { description: "Processes." })],
    [/no unit/, (copy) => Object.assign(copy.panels[0].fieldConfig.defaults, { unit: "" })],
    [/Processes up: data source/, (copy) => Object.assign(copy.panels[0], { datasource: { uid: "P1" } })],
    [/A: data source/, (copy) => Object.assign(copy.panels[0].targets[0], { datasource: {} })],
    [/asks nothing/, (copy) => Object.assign(copy.panels[0], { targets: [] })],
    [/no legend/, (copy) => Object.assign(copy.panels[0].targets[0], { legendFormat: "" })],
    [/query A twice/, (copy) => copy.panels[0].targets.push(copy.panels[0].targets[0])],
    [/range 5m/, (copy) => Object.assign(copy.panels[0].targets[0], { expr: "sum(rate(shadowsocks_relay_bytes_total[5m]))" })],
    [/up is not limited to \$job/, (copy) => Object.assign(copy.panels[0].targets[0], { expr: "sum(up)" })],
    [/outside of the grid/, (copy) => Object.assign(copy.panels[0].gridPos, { w: 25 })],
    [/Processes up overlaps Firing alerts/, (copy) => Object.assign(copy.panels[0].gridPos, { w: 5 })],
    [
      /collapsed row is not last/,
      (copy) =>
        Object.assign(
          copy.panels.find((panel: Mutable) => panel.type === "row"),
          { collapsed: true },
        ),
    ],
  ];
  for (const [expected, change] of cases) {
    const problems = lintDashboard(changed(change));
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}: ${problems.join("; ") || "nothing found"}`,
    );
  }
});
