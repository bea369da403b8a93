import type { ErrorCode } from "@shadowfleet/runtime";

/** What the limits of all keys did in this process, in plain fields that a scrape reads. */
export class LimitCounts {
  /** Times that a TCP direction was stopped to wait for its key's rate or quota. */
  pausesUp = 0;
  pausesDown = 0;
  /** Payload bytes relayed beyond what the store had leased, while it did not answer. */
  uncheckedBytes = 0;
  /** Sessions refused or ended, by the limit's code. */
  readonly refused = new Map<ErrorCode, number>();

  refuse(code: ErrorCode, sessions = 1): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + sessions);
  }
}
