import { impossibleValues } from "./label-values.ts";
import { parseQuery, type Query, type Selector } from "./query.ts";
import { type SeriesFacts, TARGET_LABELS } from "./series-table.ts";

/** Functions a counter may be in directly: anything else would see its restarts. */
const COUNTER_FUNCTIONS = ["rate", "increase", "irate", "resets"];

/** Everything about a query that cannot be meant: syntax, names, labels, values of labels, counters outside of rate. */
export function queryProblems(text: string, table: ReadonlyMap<string, SeriesFacts>): string[] {
  const query = parseQuery(text);
  return [
    ...query.mistakes,
    ...query.selectors.flatMap((selector) => selectorProblems(selector, table)),
    ...groupingProblems(query, table),
  ];
}

function selectorProblems(selector: Selector, table: ReadonlyMap<string, SeriesFacts>): string[] {
  const { name, matchers } = selector;
  const facts = table.get(name);
  if (!facts) return [`there is no series ${name}`];
  const problems: string[] = [];
  for (const matcher of matchers) {
    if (facts.labels && ![...facts.labels, ...TARGET_LABELS].includes(matcher.label))
      problems.push(`${name} has no label ${matcher.label}`);
    for (const value of impossibleValues(matcher)) problems.push(`${name}: no ${matcher.label} is ${value}`);
  }
  return [...problems, ...typeProblems(selector, facts)];
}

function typeProblems({ name, around, range }: Selector, { type }: SeriesFacts): string[] {
  const nearest = around[0] ?? "nothing";
  if (type === "counter" || type === "bucket") {
    if (range === undefined || !COUNTER_FUNCTIONS.includes(nearest))
      return [`counter ${name} is in ${nearest}, not in rate() or increase()`];
    if (type === "bucket" && !around.includes("histogram_quantile")) return [`${name} is not in histogram_quantile()`];
    return [];
  }
  return COUNTER_FUNCTIONS.includes(nearest) ? [`gauge ${name} is in ${nearest}()`] : [];
}

function groupingProblems({ selectors, groupings }: Query, table: ReadonlyMap<string, SeriesFacts>): string[] {
  const facts = selectors.flatMap(({ name }) => table.get(name) ?? []);
  if (facts.some(({ labels }) => labels === undefined)) return [];
  const known = new Set([...TARGET_LABELS, ...facts.flatMap(({ labels }) => labels ?? [])]);
  return groupings.filter((label) => !known.has(label)).map((label) => `nothing here has the label ${label}`);
}
