import { status } from "@grpc/grpc-js";
import { ERROR_CODES } from "@shadowfleet/runtime";
import type { Matcher } from "./query.ts";

const CODES = ["OK", ...Object.keys(ERROR_CODES)];
const STATUSES = Object.keys(status).filter((name) => /^[A-Z_]+$/.test(name));
const JOBS = ["gateway", "tcp-relay", "udp-relay", "management"].map((service) => `shadowfleet-${service}`);

/** Labels whose values are known beforehand. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  error_type: CODES,
  outcome: CODES,
  result: CODES,
  rpc_status_code: STATUSES,
  network_transport: ["tcp", "udp"],
  network_io_direction: ["up", "down"],
  job: JOBS,
  kind: ["gateway", "tcp-relay", "udp-relay"],
};

/** What a matcher looks for that can never be there; each alternative of a pattern must match something. */
export function impossibleValues({ label, operator, value }: Matcher): string[] {
  const known = VALUES[label];
  if (!known || value.startsWith("$")) return [];
  if (operator === "=" || operator === "!=") return known.includes(value) ? [] : [value];
  return alternatives(value).filter((pattern) => !known.some((candidate) => new RegExp(`^(?:${pattern})$`).test(candidate)));
}

/** At the bars outside of parentheses. */
function alternatives(pattern: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of pattern) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === "|" && depth === 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts;
}
