/** Writes everything in the repository that is generated; the house tests fail when the result differs from what is committed. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboardFiles } from "@shadowfleet/dashboards";
import { errorsReference, metricsReference } from "@shadowfleet/runtime";
import { METHODS } from "@shadowfleet/wire";
import { chartReadme } from "./chart-readme.ts";
import { chartSchema } from "./chart-schema.ts";

const root = join(import.meta.dirname, "..");

const gen = join(root, "packages/control-api/src/gen");
const buf = join(root, "node_modules/.bin/buf");
rmSync(gen, { recursive: true, force: true });
execFileSync(buf, ["generate"], { cwd: root, stdio: "inherit" });
const contract = execFileSync(buf, ["build", "--exclude-source-info", "-o", "-#format=binpb"], { cwd: root });
writeFileSync(
  join(gen, "contract.ts"),
  `/** The contract of \`proto/\` as a google.protobuf.FileDescriptorSet in base64. */\nexport const CONTRACT =\n  "${contract.toString("base64")}";\n`,
);
writeFileSync(join(root, "docs/metrics.md"), metricsReference());
writeFileSync(join(root, "docs/errors.md"), errorsReference());

const chart = join(root, "helm/shadowfleet");
const values = readFileSync(join(chart, "values.yaml"), "utf8");
const methods = METHODS.map(({ name }) => name);
writeFileSync(join(chart, "values.schema.json"), chartSchema(values, methods));
writeFileSync(join(chart, "README.md"), chartReadme(values));

const dashboards = join(chart, "files/dashboards");
rmSync(dashboards, { recursive: true, force: true });
mkdirSync(dashboards, { recursive: true });
for (const [name, text] of dashboardFiles()) writeFileSync(join(dashboards, name), text);
