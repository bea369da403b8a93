import { EVENT_TYPES, type FleetEvent } from "@shadowfleet/store";

const WILDCARD = ".*";

/** Whether it names a type of event, or with ".*" at its end several: "key.cut", "key.*", "key.quota.*". */
export function isEventPattern(text: string): boolean {
  return EVENT_TYPES.some((type) => matches(text, type));
}

/** What a wrong pattern is answered with. */
export const EVENT_PATTERN_RULE = `must be one of ${EVENT_TYPES.join(", ")}, or the beginning of some and ".*"`;

/** Whether an event is asked for: no types means all, no subject means any. */
export function eventFilter(types: readonly string[], subject = ""): (event: FleetEvent) => boolean {
  return (event) =>
    (types.length === 0 || types.some((pattern) => matches(pattern, event.type))) && (subject === "" || event.subject === subject);
}

function matches(pattern: string, type: string): boolean {
  return pattern.endsWith(WILDCARD) ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
