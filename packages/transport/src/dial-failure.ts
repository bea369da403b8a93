import type { ErrorCode } from "@shadowfleet/runtime";
import { systemCode } from "./system-code.ts";

export interface DialFailure {
  readonly code: ErrorCode;
  readonly cause: Error | undefined;
}

const DIAL_CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: "DIAL_REFUSED",
  EHOSTUNREACH: "DIAL_HOST_UNREACHABLE",
  ENETUNREACH: "DIAL_NETWORK_UNREACHABLE",
  EADDRNOTAVAIL: "DIAL_NETWORK_UNREACHABLE",
  EAFNOSUPPORT: "DIAL_NETWORK_UNREACHABLE",
  ETIMEDOUT: "DIAL_TIMEOUT",
  EMFILE: "OUT_OF_DESCRIPTORS",
  ENFILE: "OUT_OF_DESCRIPTORS",
};

/**
 * Most telling first: our own shortage, then what the target itself answered, then what the network said. "Network unreachable" comes
 * last, as it is what every name with an IPv6 address brings on a machine without IPv6.
 */
const TELLING: readonly ErrorCode[] = [
  "OUT_OF_DESCRIPTORS",
  "DIAL_REFUSED",
  "DIAL_HOST_UNREACHABLE",
  "DIAL_TIMEOUT",
  "DIAL_FAILED",
  "DIAL_NETWORK_UNREACHABLE",
];

/** What an error of connect(2) means. */
export function dialFailure(cause: Error): DialFailure {
  return { code: DIAL_CODES[systemCode(cause)] ?? "DIAL_FAILED", cause };
}

/** Of two failures of one dial the one to report; the earlier of equals. */
export function moreTelling(earlier: DialFailure | undefined, later: DialFailure): DialFailure {
  if (earlier === undefined) return later;
  return TELLING.indexOf(later.code) < TELLING.indexOf(earlier.code) ? later : earlier;
}
