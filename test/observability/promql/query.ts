import { parser } from "@prometheus-io/lezer-promql";

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** One `name{matchers}` of a query. */
export interface Selector {
  readonly name: string;
  readonly matchers: readonly Matcher[];
  /** Functions and aggregations around it, the nearest first. */
  readonly around: readonly string[];
  /** As in `[5m]`; undefined for an instant selector. */
  readonly range: string | undefined;
}

export interface Query {
  /** Where the text stops being PromQL. */
  readonly mistakes: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels of `by`, `without`, `on`, `ignoring` and `group_left`. */
  readonly groupings: readonly string[];
}

/** What of lezer's nodes is looked at. */
interface Node {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly parent: Node | null;
  getChild(name: string): Node | null;
  getChildren(name: string): Node[];
}

const COMPARISONS = ["Eql", "Neq", "Gtr", "Gte", "Lss", "Lte"];

/** Grafana's variables must be substituted before. */
export function parseQuery(text: string): Query {
  const mistakes: string[] = [];
  const selectors: Selector[] = [];
  const groupings: string[] = [];
  const slice = (node: Node | null): string => (node ? text.slice(node.from, node.to) : "");
  visit(text, (node) => {
    if (node.name === "⚠") mistakes.push(`not PromQL at character ${node.from}: ${text.slice(node.from, node.from + 30)}`);
    if (node.name === "VectorSelector") selectors.push(selectorOf(node, slice));
    if (node.name === "GroupingLabels") groupings.push(...node.getChildren("LabelName").map(slice));
  });
  return { mistakes, selectors, groupings };
}

/** The same question with comparisons that answer 0 or 1 rather than leaving out what does not hold. */
export function withBoolComparisons(text: string): string {
  const ends: number[] = [];
  visit(text, (node) => {
    if (node.name !== "BinaryExpr" || node.getChild("BoolModifier")) return;
    for (const comparison of COMPARISONS) for (const operator of node.getChildren(comparison)) ends.push(operator.to);
  });
  let result = text;
  for (const end of ends.sort((a, b) => b - a)) result = `${result.slice(0, end)} bool${result.slice(end)}`;
  return result;
}

function visit(text: string, onNode: (node: Node) => void): void {
  parser.parse(text).iterate({ enter: ({ node }) => onNode(node) });
}

function selectorOf(node: Node, slice: (node: Node | null) => string): Selector {
  const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
  const around: string[] = [];
  for (let outer = node.parent; outer; outer = outer.parent) {
    if (outer.name === "FunctionCall") around.push(slice(outer.getChild("FunctionIdentifier")));
    if (outer.name === "AggregateExpr") around.push(slice(outer.getChild("AggregateOp")));
  }
  return {
    name: slice(node.getChild("Identifier")),
    matchers: matchers.map((matcher) => ({
      label: slice(matcher.getChild("LabelName")),
      operator: slice(matcher.getChild("MatchOp")),
      value: slice(matcher.getChild("StringLiteral")).slice(1, -1),
    })),
    around,
    range: rangeOf(node, slice),
  };
}

function rangeOf({ parent }: Node, slice: (node: Node | null) => string): string | undefined {
  if (parent?.name !== "MatrixSelector") return undefined;
  return /\[(.*)\]$/s.exec(slice(parent))?.[1];
}
