import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const FOLDER = join(import.meta.dirname, "../rules");

/** promtool's unit tests, by full path. */
export const RULE_TEST_FILES = globSync("*.yaml", { cwd: FOLDER })
  .sort()
  .map((file) => join(FOLDER, file));

/** What one of them claims of one alert. */
export interface AlertAssertion {
  readonly alert: string;
  /** The severities that fire then; none: it is silent. */
  readonly severities: readonly string[];
  /** Names of the series there were. */
  readonly series: readonly string[];
}

interface RuleTestFile {
  readonly tests: readonly {
    readonly input_series: readonly { readonly series: string }[];
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly { readonly exp_labels: { readonly severity: string } }[];
    }[];
  }[];
}

export function alertAssertions(
  texts: readonly string[] = RULE_TEST_FILES.map((file) => readFileSync(file, "utf8")),
): readonly AlertAssertion[] {
  return texts.flatMap((text) =>
    (parse(text) as RuleTestFile).tests.flatMap(({ input_series, alert_rule_test }) =>
      alert_rule_test.map(({ alertname, exp_alerts }) => ({
        alert: alertname,
        severities: exp_alerts.map(({ exp_labels }) => exp_labels.severity),
        series: input_series.map(({ series }) => series.split("{")[0]!),
      })),
    ),
  );
}
