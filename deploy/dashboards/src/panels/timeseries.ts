import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  GraphGradientMode,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { ask, describe, type QueryPanel } from "./panel.ts";

export interface TimeseriesOptions extends QueryPanel {
  /** Parts of one whole, laid on each other. */
  readonly stacked?: boolean;
  /** The axis ends here: 1 for shares. */
  readonly max?: number;
}

const SIZE = { width: 12, height: 8 };

/** A course over time with its latest and highest values in the legend. */
export function timeseries(options: TimeseriesOptions): Builder<Panel> {
  const panel = ask(describe(new PanelBuilder(), options, SIZE), options, "range")
    .min(0)
    .lineWidth(1)
    .fillOpacity(options.stacked ? 30 : 8)
    .gradientMode(GraphGradientMode.None)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .showLegend(true)
        .calcs(["lastNotNull", "max"]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (options.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (options.max !== undefined) panel.max(options.max);
  return panel;
}
