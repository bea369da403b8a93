/** A query that may have no answer from a fleet that is well, though under load, for a minute. */
export interface AllowedEmpty {
  /** As `Expression.where`. */
  readonly where: string;
  readonly reason: string;
  /** It depends on the moment. Otherwise an answer is a mistake of this list. */
  readonly may?: true;
}

const FIRING = "no alert has lasted long enough to fire";

export const ALLOWED_EMPTY: readonly AllowedEmpty[] = [
  ...["Overview", "TCP relay", "UDP relay", "Gateway & circuit breaker", "Management", "Security", "Runtime", "Redis", "Limits"].map(
    (title): AllowedEmpty => ({ where: `Fleet / ${title} > Alerts`, reason: FIRING, may: true }),
  ),
  ...[
    "Fleet / Management > Events delivered and not > A",
    "Fleet / Management > Age of the event that waits > A",
    "ShadowfleetWebhookLagging (warning)",
    "ShadowfleetWebhookEventsSkipped (warning)",
  ].map((where): AllowedEmpty => ({ where, reason: "this fleet has no webhook" })),
  { where: "Fleet / Runtime > Ends of plugins > A", reason: "this fleet has no plugin" },
  { where: "Fleet / Limits > Datagrams dropped for limits > A", reason: "no key of this fleet has limits" },
  ...["Fleet / Management > Requests over HTTP by door > A", "Fleet / Management > Requests over HTTP by status > A"].map(
    (where): AllowedEmpty => ({ where, reason: "this fleet serves nothing over HTTP" }),
  ),
  {
    where: "ShadowfleetProbeSpike (info)",
    reason: "it compares with what was an hour ago, and there was nothing",
  },
];
