/**
 * Why received bytes were not accepted. Expected on every open port, so these are return values, never exceptions.
 * The same strings are error codes of the fleet (see packages/runtime): log field, metric label and test oracle at once.
 */
export const WIRE_FAILURES = [
  /** No key opens the bytes, a tag is wrong, or an identity header names nobody. */
  "AUTH_FAILED",
  /** SIP004: the ring stopped offering keys before one opened the bytes. */
  "TRIAL_LIMIT",
  /** The salt or packet id was seen before. */
  "REPLAYED",
  /** SIP022: the sender's clock is more than 30 s from ours. */
  "BAD_TIMESTAMP",
  /** Authenticated but malformed: wrong type byte, length out of range, neither padding nor payload, wrong request salt. */
  "BAD_HEADER",
  /** Authenticated, but the target address cannot be parsed. */
  "BAD_ADDRESS",
  /** SIP022: salt and fixed header did not arrive in one read. */
  "SEGMENTED_HEADER",
  /** Too short to be anything. */
  "TOO_SHORT",
] as const;

export type WireFailure = (typeof WIRE_FAILURES)[number];
