import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  type Panel,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { ask, describe, type Query, type QueryPanel } from "./panel.ts";

export interface StatOptions extends Omit<QueryPanel, "queries"> {
  readonly query: Query;
  /** Where an alert draws the line: red from there on, or up to there. */
  readonly bad?: { readonly from: number } | { readonly below: number };
  /** Words for values, as "yes" for 1. */
  readonly words?: Readonly<Record<string, string>>;
  /** It is about everything the dashboard shows (`$__range`), hence has no course. */
  readonly isTotal?: boolean;
}

const SIZE = { width: 4, height: 4 };
const GOOD = "green";
const BAD = "red";
const NEUTRAL = "blue";

/** One figure of now with its course behind it. */
export function stat(options: StatOptions): Builder<Panel> {
  const { query, bad, words, isTotal = false } = options;
  const panel = ask(describe(new PanelBuilder(), options, SIZE), { ...options, queries: [query] }, isTotal ? "instant" : "range")
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false))
    .graphMode(words || isTotal ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .justifyMode(BigValueJustifyMode.Auto)
    .textMode(BigValueTextMode.Value)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(bad)));
  if (words) {
    const mapped = Object.entries(words).map(([value, text]) => [value, { text }] as const);
    panel.mappings([{ type: MappingType.ValueToText, options: Object.fromEntries(mapped) }]);
  }
  return panel;
}

function steps(bad: StatOptions["bad"]): { readonly value: number | null; readonly color: string }[] {
  if (!bad) return [{ value: null, color: NEUTRAL }];
  if ("from" in bad) {
    return [
      { value: null, color: GOOD },
      { value: bad.from, color: BAD },
    ];
  }
  return [
    { value: null, color: BAD },
    { value: bad.below, color: GOOD },
  ];
}
