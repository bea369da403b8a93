import type { ErrorCode } from "@shadowfleet/runtime";

const codes = <Code extends ErrorCode>(...names: readonly Code[]): readonly Code[] => names;

/** A relay's TCP client that is not one of ours, or tries to find out what answers here. */
export const PROBE_CODES = codes("AUTH_FAILED", "TRIAL_LIMIT", "TOO_SHORT", "HANDSHAKE_TIMEOUT", "HANDSHAKE_LIMIT", "CLOSED_IN_HANDSHAKE");

/** Someone who meant to get in and did not: a wrong key, a wrong clock, a client with a bug. */
export const REFUSED_CODES = codes("AUTH_FAILED", "BAD_TIMESTAMP", "BAD_HEADER", "BAD_ADDRESS", "SEGMENTED_HEADER");

/** Targets or upstreams that could not be reached; not those that the target guard forbids or whose client left. */
export const DIAL_CODES = codes(
  "DNS_FAILED",
  "DIAL_REFUSED",
  "DIAL_TIMEOUT",
  "DIAL_HOST_UNREACHABLE",
  "DIAL_NETWORK_UNREACHABLE",
  "DIAL_FAILED",
  "OUT_OF_DESCRIPTORS",
);
