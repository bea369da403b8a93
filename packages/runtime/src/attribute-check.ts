import { METRICS, type MetricName } from "./metric-registry.ts";
import type { Attributes } from "./metrics.ts";

/** A label nobody registered is one nobody thought about: it may be unbounded or private. */
export function checkAttributes(name: MetricName, attributes: Attributes): void {
  const allowed: readonly string[] = METRICS[name].attributes;
  for (const attribute in attributes) {
    if (!allowed.includes(attribute))
      throw new TypeError(`metric ${name} has no attribute "${attribute}" (registered: ${allowed.join(", ") || "none"})`);
  }
}
