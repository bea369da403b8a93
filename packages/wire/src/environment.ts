/** What pure wire code needs from outside. Tests pass fixed values; processes pass `node:crypto` and the system clock. */
export interface WireEnvironment {
  /** Fills the whole of `target` with unpredictable bytes. */
  random(target: Buffer): void;
  /** Whole seconds since 1970-01-01T00:00:00Z. */
  unixSeconds(): number;
}
