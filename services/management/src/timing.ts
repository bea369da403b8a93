/** Every interval and wait of management in one place; tests shorten them. All in milliseconds. */
export interface ManagementTiming {
  /** A configuration stream on which nothing was sent for so long says that it lives. */
  readonly heartbeatMs: number;
  /** How often the store is asked for a sign of life. */
  readonly storePingMs: number;
  /** Pause after a failed attempt to reach the store, doubled up to the maximum. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** How long a start waits for the first state, so that a healthy fleet is ready when `start` returns. */
  readonly firstStateMs: number;
  /** How long a write waits for its own change to come back on the feed. */
  readonly catchUpMs: number;
  /** How long CreatePort and a datagram's `add` wait for the relays to report at most, and how often they look. */
  readonly bindWaitMs: number;
  readonly bindLookMs: number;
  /** How often traffic totals are remembered against a store that loses them. */
  readonly totalsMs: number;
  /** How often the store's servers are asked how they are. */
  readonly storeServersMs: number;
  /** How often WatchSessions and WatchTraffic look at the store at least. */
  readonly watchMs: number;
  /** How often the datagram daemon sends `stat`. */
  readonly statMs: number;
  /** A rotated-out secret's last use is written at most so often. */
  readonly oldSecretUseMs: number;
  /** How often whoever waits for events asks for new ones. */
  readonly eventsMs: number;
  /** How often expired keys, quotas, upstreams and relays are looked at, to tell of them. */
  readonly derivedMs: number;
  /** How long others wait before they do what a process did that died. */
  readonly turnMs: number;
  /** How long no relay is missed after a time in which nobody looked for them. */
  readonly relayGraceMs: number;
  /** Longest pause after the first failure of a webhook, doubled up to the maximum; the pause is random below it. */
  readonly webhookRetryMinMs: number;
  readonly webhookRetryMaxMs: number;
}

export const DEFAULT_TIMING: ManagementTiming = {
  heartbeatMs: 5_000,
  storePingMs: 2_000,
  retryMinMs: 100,
  retryMaxMs: 5_000,
  firstStateMs: 2_000,
  catchUpMs: 1_000,
  bindWaitMs: 5_000,
  bindLookMs: 50,
  totalsMs: 5_000,
  storeServersMs: 10_000,
  watchMs: 1_000,
  statMs: 10_000,
  oldSecretUseMs: 60_000,
  eventsMs: 250,
  derivedMs: 1_000,
  turnMs: 5_000,
  relayGraceMs: 15_000,
  webhookRetryMinMs: 1_000,
  webhookRetryMaxMs: 60_000,
};
