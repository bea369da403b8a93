import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/table";
import { ask, describe, type QueryPanel } from "./panel.ts";

export interface TableOptions extends QueryPanel {
  /** Columns by label, in this order, with their titles; `Value` is the figure. Others are not shown. */
  readonly columns: Readonly<Record<string, string>>;
  /** What stands there when there is nothing to list. */
  readonly nothing?: string;
}

const SIZE = { width: 12, height: 8 };

/** A list of what is true now, a row a series. */
export function table(options: TableOptions): Builder<Panel> {
  const names = Object.keys(options.columns);
  const panel = ask(describe(new PanelBuilder(), options, SIZE), options, "table")
    .showHeader(true)
    .withTransformation({ id: "filterFieldsByName", options: { include: { names } } })
    .withTransformation({
      id: "organize",
      options: { indexByName: Object.fromEntries(names.map((name, index) => [name, index])), renameByName: options.columns },
    });
  if (options.nothing !== undefined) panel.noValue(options.nothing);
  return panel;
}
