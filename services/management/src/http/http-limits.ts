/** What one client, and all of them together, may take of the HTTP server. */
export interface HttpLimits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** From accept, or the answer before, to the whole head; and to the whole request. */
  readonly headTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A connection without a request ends then. */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  /** Of one address that is no trusted proxy. */
  readonly maxConnectionsPerAddress: number;
  /** Requests of one address with a wrong token or link, in a row, and then each second. */
  readonly strangerBurst: number;
  readonly strangerRate: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  headTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  maxConnections: 1_024,
  maxConnectionsPerAddress: 128,
  strangerBurst: 60,
  strangerRate: 2,
};

/** What is counted as `limit`. */
export type BrokenHttpLimit = "connections" | "refusals" | "host";
