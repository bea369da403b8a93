import { labelName, METRICS, type MetricKind, type MetricName, type RUNTIME_METRICS, seriesName } from "@shadowfleet/runtime";

type RegisteredAs<Kind extends MetricKind> = {
  [Name in MetricName]: (typeof METRICS)[Name]["kind"] extends Kind ? Name : never;
}[MetricName];
type NodeSeries<Type extends string> = Extract<(typeof RUNTIME_METRICS)[number], { readonly type: Type }>["series"];

/** Names as the registry has them, and as Node.js's instrumentation has them; anything else does not compile. */
export type Counter = RegisteredAs<"counter" | "observed-counter"> | NodeSeries<"counter">;
export type Gauge = RegisteredAs<"observed-gauge"> | NodeSeries<"gauge"> | "up";
export type Histogram = RegisteredAs<"histogram"> | NodeSeries<"histogram">;

/** How a label is matched when not by equality. */
export interface LabelMatch {
  readonly operator: "!=" | "=~" | "!~";
  readonly value: string;
}

/** By attribute as the registry has it (`network.transport`), or `job`. */
export type Labels = Readonly<Record<string, string | LabelMatch>>;

export function not(value: string): LabelMatch {
  return { operator: "!=", value };
}

export function anyOf(values: readonly string[]): LabelMatch {
  return { operator: "=~", value: values.join("|") };
}

export function noneOf(values: readonly string[]): LabelMatch {
  return { operator: "!~", value: values.join("|") };
}

/** What the dashboard's variables select. */
const SCOPE = ["namespace", "job", "instance"].map((name) => `${name}=~"$${name}"`);
/** What Prometheus itself puts on every series. */
const TARGET_LABELS = ["namespace", "job", "instance"];

/** The selector of a series within the dashboard's variables. Throws for an attribute the metric does not have. */
export function select(name: Counter | Gauge | Histogram, labels: Labels = {}, suffix = ""): string {
  const registered = isRegistered(name);
  const attributes: readonly string[] = registered ? METRICS[name].attributes : Object.keys(labels);
  const matchers = Object.entries(labels).map(([attribute, match]) => {
    if (!attributes.includes(attribute) && !TARGET_LABELS.includes(attribute))
      throw new TypeError(`metric ${name} has no attribute "${attribute}"`);
    const { operator, value } = typeof match === "string" ? { operator: "=", value: match } : match;
    return `${labelName(attribute)}${operator}"${value}"`;
  });
  return `${registered ? seriesName(name) : name}${suffix}{${[...SCOPE, ...matchers].join(",")}}`;
}

function isRegistered(name: string): name is MetricName {
  return name in METRICS;
}
