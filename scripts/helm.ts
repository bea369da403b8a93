/**
 * Fetches the Helm releases the chart is tested with and prints where they are: `node scripts/helm.ts [3|4] [helm|kubectl]`. The chart tests fetch them by
 * themselves; this is for having them beforehand, and for using them by hand: `$(node scripts/helm.ts 4) template fleet helm/shadowfleet`.
 */
import { HELM_MAJORS, layerProgram } from "../test/chart/helm/binary.ts";

const [wanted, program = "helm"] = process.argv.slice(2);
const majors = wanted === undefined ? HELM_MAJORS : HELM_MAJORS.filter((major) => String(major) === wanted);
if (majors.length === 0 || (program !== "helm" && program !== "kubectl")) {
  console.error("usage: node scripts/helm.ts [3|4] [helm|kubectl]");
  process.exit(2);
}
for (const major of majors) console.log(await layerProgram(major, program));
