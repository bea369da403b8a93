import { ConfigError, type ConfigProblem } from "@shadowfleet/runtime";
import type { FleetConfig } from "../fleet/fleet-schema.ts";
import type { GatewaySettings } from "./settings-schema.ts";
import type { UpstreamDraft } from "./upstream-plan.ts";

/** A configuration file of either format, taken apart. What could not be read is in `problems`. */
export interface ParsedFile {
  readonly dialect: "fleet" | "classic";
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly settings: GatewaySettings | undefined;
  readonly drafts: readonly UpstreamDraft[];
  readonly fleet: FleetConfig | undefined;
  readonly workers: "auto" | number;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What `parse` returns; if it throws a ConfigError, its problems are added to the list instead. `prefix` is where the parsed part stands. */
export function collectProblems<T>(problems: ConfigProblem[], parse: () => T, prefix = ""): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { path, reason } of error.problems) problems.push({ path: joinPath(prefix, path), reason });
    return undefined;
  }
}

function joinPath(prefix: string, path: string): string {
  if (prefix === "") return path;
  return path.startsWith("(") ? prefix : `${prefix}.${path}`;
}
