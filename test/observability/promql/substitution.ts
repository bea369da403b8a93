/** What Grafana puts in the place of its variables before it asks. */
export interface Substitution {
  readonly rateInterval: string;
  readonly range: string;
  /** By name, without the dollar. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Values with which a query means what it means in a dashboard where "All" is selected. */
export const ANYTHING: Substitution = { rateInterval: "5m", range: "1h", variables: { namespace: ".*", job: ".*", instance: ".*" } };

export function substitute(text: string, { rateInterval, range, variables }: Substitution): string {
  const values: Readonly<Record<string, string>> = { ...variables, __rate_interval: rateInterval, __range: range };
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => values[braced ?? bare ?? ""] ?? whole);
}
