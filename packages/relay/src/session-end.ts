import type { ErrorCode } from "@shadowfleet/runtime";

/** What is known when a session that held a key is over. */
export interface SessionEnd {
  readonly sessionId: string;
  readonly keyId: string;
  readonly port: number;
  /** OK over UDP: it went quiet, which is how a session without an end of its own ends well. */
  readonly code: "OK" | ErrorCode;
  /** Milliseconds since 1970, of accept or of the first datagram. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Payload bytes. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}
