import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export const RULES_FOLDER = join(import.meta.dirname, "../../../helm/shadowfleet/files/rules");
export const RULE_FILES = ["recording.yaml", "alerts.yaml"].map((file) => join(RULES_FOLDER, file));

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly (RecordingRule | AlertRule)[] }[];
}

/** As committed: one entry a rule, so an alert of two severities is there twice. */
export function readRules(): { readonly recording: readonly RecordingRule[]; readonly alerts: readonly AlertRule[] } {
  const rules = RULE_FILES.flatMap((file) => (parse(readFileSync(file, "utf8")) as RuleFile).groups.flatMap((group) => group.rules));
  return { recording: rules.filter((rule) => "record" in rule), alerts: rules.filter((rule) => "alert" in rule) };
}
