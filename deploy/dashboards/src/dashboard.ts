import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  RowBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DATASOURCE } from "./panels/panel.ts";
import { alerts } from "./promql/alerts.ts";
import type { Service } from "./promql/services.ts";
import { variables } from "./variables.ts";

/** By which dashboards find each other. */
const TAG = "shadowfleet";

export interface Row {
  readonly title: string;
  readonly panels: readonly Builder<Panel>[];
  /** For what is rarely asked. Such rows come last. */
  readonly collapsed?: boolean;
}

export interface DashboardOptions {
  /** File name, and with the product's name before it the address: never changes. */
  readonly name: string;
  readonly title: string;
  /** The question it answers. */
  readonly description: string;
  /** The one service it is about; undefined: all of them. */
  readonly service?: Service;
  /** The figures at its top. */
  readonly top: readonly Builder<Panel>[];
  readonly rows: readonly Row[];
}

/** What all dashboards of the fleet have alike. */
export function dashboard({ name, title, description, service, top, rows }: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(`Fleet / ${title}`)
    .uid(`shadowfleet-${name}`)
    .description(description)
    .tags([TAG])
    .timezone("browser")
    .readonly()
    .refresh("30s")
    .time({ from: "now-1h", to: "now" })
    .tooltip(DashboardCursorSync.Crosshair)
    .variables(variables(service))
    .annotations([alertAnnotations()])
    .links([fleetLink()]);
  for (const panel of top) builder.withPanel(panel);
  for (const { title, panels, collapsed = false } of rows) {
    const row = new RowBuilder(title).collapsed(collapsed);
    if (collapsed) for (const panel of panels) row.withPanel(panel);
    builder.withRow(row);
    if (!collapsed) for (const panel of panels) builder.withPanel(panel);
  }
  return finished(builder.build());
}

/** The firing of our alerts as regions in every course over time. */
function alertAnnotations(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name("Alerts")
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor("red")
    .expr(alerts("firing"))
    .step("60s")
    .titleFormat("{{alertname}}")
    .tagKeys("severity,job,instance");
}

function fleetLink(): DashboardLinkBuilder {
  return new DashboardLinkBuilder("Fleet")
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true)
    .icon("external link")
    .tooltip("The other dashboards of the fleet, with the same time and selection");
}

/** What the SDK leaves to do: ids, which Grafana needs for links to single panels, and its idea to hide links and annotations in a menu. */
function finished(built: Dashboard): Dashboard {
  let id = 0;
  for (const panel of built.panels ?? []) {
    panel.id = ++id;
    if (panel.type === "row" && "panels" in panel) for (const inner of panel.panels) inner.id = ++id;
  }
  for (const control of [...(built.links ?? []), ...(built.annotations.list ?? [])]) delete control.placement;
  return built;
}
