/**
 * Asks the registry, through `npm audit`, for known vulnerabilities of what package-lock.json holds: `node test/secrets/audit.ts [FOLDER] [--required]`.
 * Exit code 1 for one of severity high or critical. A registry that does not answer is said so, and is a failure with `--required` only.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const DEADLINE_MS = 60_000;
const GRAVE = ["high", "critical"];

interface Finding {
  readonly name: string;
  readonly severity: string;
  readonly range: string;
  readonly via: readonly (string | { readonly title?: string; readonly url?: string })[];
}

interface Report {
  readonly vulnerabilities?: Readonly<Record<string, Finding>>;
  readonly message?: string;
}

const { values, positionals } = parseArgs({ options: { required: { type: "boolean" } }, allowPositionals: true });
const folder = positionals[0] ?? join(import.meta.dirname, "../..");
const { stdout, error } = spawnSync("npm", ["audit", "--json", "--audit-level=high"], {
  cwd: folder,
  encoding: "utf8",
  timeout: DEADLINE_MS,
});
const report = parseReport(stdout);

if (!report?.vulnerabilities) {
  const reason = error?.message ?? report?.message ?? "no report";
  console.log(`NOT AUDITED: the registry did not answer (${reason}). Known vulnerabilities were not looked for.`);
  process.exitCode = values.required ? 1 : 0;
} else {
  const findings = Object.values(report.vulnerabilities);
  for (const { name, severity, range, via } of findings) {
    const causes = via.map((cause) => (typeof cause === "string" ? `through ${cause}` : [cause.title, cause.url].join(" ")));
    console.log(`${severity}: ${name} ${range}: ${causes.join("; ")}`);
  }
  const grave = findings.filter(({ severity }) => GRAVE.includes(severity));
  console.log(`audited: ${findings.length} known vulnerabilities, ${grave.length} of them high or critical`);
  process.exitCode = grave.length > 0 ? 1 : 0;
}

function parseReport(text: string | undefined): Report | undefined {
  try {
    return JSON.parse(text ?? "") as Report;
  } catch {
    return undefined;
  }
}
