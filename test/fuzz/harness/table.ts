import { acceptedShare, type TargetTotals } from "./crew.ts";

const COLUMNS = [22, 12, 10, 10, 10, 10];

/** Target, inputs, executions a second, accepted, refused, findings; a line for all at the end. */
export function formatTable(totals: readonly TargetTotals[]): string {
  const all: TargetTotals = { target: "all", inputs: 0, ms: 0, outcomes: {}, findings: [] };
  for (const { inputs, ms, outcomes, findings } of totals) {
    all.inputs += inputs;
    all.ms += ms;
    all.findings.push(...findings);
    for (const [outcome, count] of Object.entries(outcomes)) all.outcomes[outcome] = (all.outcomes[outcome] ?? 0) + count;
  }
  const rows = [...totals, all].map((total) => {
    const accepted = acceptedShare(total);
    const rate = total.ms === 0 ? 0 : (total.inputs / total.ms) * 1_000;
    const share = (part: number): string => `${(part * 100).toFixed(1)} %`;
    return [total.target, String(total.inputs), rate.toFixed(0), share(accepted), share(1 - accepted), String(total.findings.length)];
  });
  const lines = [["target", "inputs", "per s", "accepted", "refused", "findings"], ...rows];
  return lines
    .map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(COLUMNS[i]!) : cell.padStart(COLUMNS[i]!))).join(""))
    .join("\n");
}

/** How often each outcome of each target came. */
export function formatOutcomes(totals: readonly TargetTotals[]): string {
  return totals
    .map(({ target, outcomes }) => {
      const sorted = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
      return `${target}: ${sorted.map(([outcome, count]) => `${outcome} ${count}`).join(", ")}`;
    })
    .join("\n");
}
