import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../helm/shadowfleet/files/dashboards");

/** What the tests read of Grafana's JSON. */
export interface DashboardJson {
  readonly id?: number;
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly editable: boolean;
  readonly graphTooltip: number;
  readonly refresh: string;
  readonly links: readonly {
    readonly type: string;
    readonly tags: readonly string[];
    readonly includeVars: boolean;
    readonly placement?: string;
    readonly keepTime: boolean;
  }[];
  readonly templating: { readonly list: readonly VariableJson[] };
  readonly annotations: {
    readonly list: readonly {
      readonly name: string;
      readonly expr: string;
      readonly datasource: DatasourceJson;
      readonly placement?: string;
    }[];
  };
  readonly panels: readonly PanelJson[];
}

export interface DatasourceJson {
  readonly uid?: string;
}

export interface VariableJson {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: DatasourceJson;
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
  readonly refresh?: number;
}

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly collapsed?: boolean;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: DatasourceJson;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource?: DatasourceJson;
  }[];
  /** Of a collapsed row. */
  readonly panels?: readonly PanelJson[];
}

/** The committed dashboards, by file name. */
export function readDashboards(): readonly DashboardJson[] {
  return globSync("*.json", { cwd: FOLDER })
    .sort()
    .map((file) => {
      const dashboard = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as DashboardJson;
      if (`${dashboard.uid}.json` !== basename(file)) throw new Error(`${file} has the uid ${dashboard.uid}`);
      return dashboard;
    });
}

/** All panels but rows, those inside collapsed rows too. */
export function panelsOf({ panels }: DashboardJson): readonly PanelJson[] {
  return panels.flatMap((panel) => (panel.type === "row" ? (panel.panels ?? []) : [panel]));
}

/** The text of a variable's query; undefined for what asks nothing. */
export function variableQuery({ type, query }: VariableJson): string | undefined {
  if (type !== "query") return undefined;
  return typeof query === "string" ? query : query.query;
}
