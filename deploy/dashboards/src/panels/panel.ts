import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";

/** The data source that the dashboard's first variable selects. */
export const DATASOURCE: DataSourceRef = { type: "prometheus", uid: "$datasource" };

export interface Query {
  readonly expr: string;
  /** Grafana's legend format: `{{label}}` stands for a label's value. */
  readonly legend: string;
}

/** What every panel says of itself. */
export interface PanelText {
  readonly title: string;
  /** What it shows, and what bad looks like. */
  readonly description: string;
  /** Of the 24 columns. */
  readonly width?: number;
  readonly height?: number;
}

export interface QueryPanel extends PanelText {
  /** One of `@grafana/grafana-foundation-sdk/units`. */
  readonly unit: string;
  readonly queries: readonly Query[];
}

/** What the SDK's panel builders have in common. */
interface PanelBuilder extends Builder<Panel> {
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: DataSourceRef): this;
  span(width: number): this;
  height(height: number): this;
}

interface QueryPanelBuilder extends PanelBuilder {
  unit(unit: string): this;
  targets(targets: Builder<Dataquery>[]): this;
}

export function query(expr: string, legend: string): Query {
  return { expr, legend };
}

/** Title, text and size; `size` where the panel does not say. */
export function describe<B extends PanelBuilder>(
  builder: B,
  text: PanelText,
  size: { readonly width: number; readonly height: number },
): B {
  return builder
    .title(text.title)
    .description(text.description)
    .span(text.width ?? size.width)
    .height(text.height ?? size.height);
}

/** Unit, data source and queries over the time range, or of the latest moment only. */
export function ask<B extends QueryPanelBuilder>(builder: B, { unit, queries }: QueryPanel, moment: "range" | "instant" | "table"): B {
  return builder
    .unit(unit)
    .datasource(DATASOURCE)
    .targets(queries.map(({ expr, legend }, index) => target(expr, legend, refId(index), moment)));
}

function target(expr: string, legend: string, id: string, moment: "range" | "instant" | "table"): DataqueryBuilder {
  const builder = new DataqueryBuilder().expr(expr).legendFormat(legend).refId(id).datasource(DATASOURCE);
  if (moment === "range") return builder.range().format(PromQueryFormat.TimeSeries);
  return builder.instant().format(moment === "table" ? PromQueryFormat.Table : PromQueryFormat.TimeSeries);
}

/** A, B, C … as Grafana's editor names queries. */
function refId(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}
