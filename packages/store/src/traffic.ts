/** Payload bytes by transport and direction; up is client to target. */
export interface ByteCounts {
  readonly tcpUp: number;
  readonly tcpDown: number;
  readonly udpUp: number;
  readonly udpDown: number;
}

export const NO_BYTES: ByteCounts = { tcpUp: 0, tcpDown: 0, udpUp: 0, udpDown: 0 };

/** What one access key relayed since the batch before. */
export interface TrafficDelta extends ByteCounts {
  readonly keyId: string;
  readonly port: number;
}

/**
 * What one relay relayed since its batch before. Applied at most once by (memberId, epoch, sequence), so sending it again is safe;
 * sequences of one epoch grow by 1 from 1.
 */
export interface TrafficBatch {
  readonly memberId: string;
  readonly epoch: string;
  readonly sequence: number;
  /** When it was measured; decides the hour bucket. */
  readonly atMs: number;
  readonly deltas: readonly TrafficDelta[];
}

/** Totals of one subject. Monotonic: neither reading nor resetting, restarting or deleting makes `total` smaller. */
export interface TrafficTotals {
  /** Access key id, port number, member id, or "" for the fleet. */
  readonly subject: string;
  readonly total: ByteCounts;
  /** `total` at the last reset. */
  readonly resetMark: ByteCounts;
  readonly resetAtMs: number | undefined;
  /** Names the life of the counters these were read from: chosen when the store held none. `restoreTraffic` goes by it. */
  readonly generation: string;
}

export type TrafficSubject =
  | { readonly kind: "fleet" }
  | { readonly kind: "key"; readonly id: string }
  | { readonly kind: "port"; readonly port: number }
  | { readonly kind: "member"; readonly id: string };

export interface TrafficBucket {
  /** Start of the hour, UTC. */
  readonly hourMs: number;
  readonly bytes: ByteCounts;
}

/** What one access key relayed in some hour. */
export interface KeyBytes {
  readonly keyId: string;
  readonly bytes: ByteCounts;
}

export const HOUR_MS = 3_600_000;

/** How long hour buckets are kept: 62 days, so that two calendar months can be billed. */
export const KEPT_HOURS = 62 * 24;

/** How long a relay's last sequence is remembered after its last batch: longer than any outage in which a batch may wait to be sent again. */
export const SEQUENCE_TTL_MS = KEPT_HOURS * HOUR_MS;

/** A subject's name in `TrafficTotals.subject`. */
export function subjectName(subject: TrafficSubject): string {
  switch (subject.kind) {
    case "fleet":
      return "";
    case "port":
      return String(subject.port);
    default:
      return subject.id;
  }
}
