import { type ByteCounts, subjectName, type TrafficBatch, type TrafficDelta, type TrafficSubject } from "./traffic.ts";

/** What a batch adds to one subject. */
export interface SubjectSum {
  readonly subject: TrafficSubject;
  readonly bytes: ByteCounts;
}

/** Throws RangeError when a count is not a whole number from 0 to 2^53 - 1. Before anything is applied: half a batch must never be counted. */
export function checkCounts(deltas: readonly TrafficDelta[]): void {
  for (const delta of deltas) {
    for (const count of countList(delta)) {
      if (!Number.isSafeInteger(count) || count < 0)
        throw new RangeError(`traffic of access key ${delta.keyId}: ${count} is no count of bytes`);
    }
  }
}

/**
 * What a batch adds to each subject: access keys first, in the batch's order and once each, then ports, the relay and the fleet. Subjects
 * without bytes are left out.
 */
export function sumBySubject({ memberId, deltas }: Pick<TrafficBatch, "memberId" | "deltas">): SubjectSum[] {
  const keys = new Map<string, SubjectSum>();
  const others = new Map<string, SubjectSum>();
  for (const delta of deltas) {
    if (isEmpty(delta)) continue;
    addTo(keys, { kind: "key", id: delta.keyId }, delta);
    addTo(others, { kind: "port", port: delta.port }, delta);
    addTo(others, { kind: "member", id: memberId }, delta);
    addTo(others, { kind: "fleet" }, delta);
  }
  return [...keys.values(), ...others.values()];
}

export function addCounts(a: ByteCounts, b: ByteCounts): ByteCounts {
  return { tcpUp: a.tcpUp + b.tcpUp, tcpDown: a.tcpDown + b.tcpDown, udpUp: a.udpUp + b.udpUp, udpDown: a.udpDown + b.udpDown };
}

/** The four counts in the order in which stores keep them. */
export function countList({ tcpUp, tcpDown, udpUp, udpDown }: ByteCounts): [number, number, number, number] {
  return [tcpUp, tcpDown, udpUp, udpDown];
}

function addTo(sums: Map<string, SubjectSum>, subject: TrafficSubject, bytes: ByteCounts): void {
  const name = `${subject.kind} ${subjectName(subject)}`;
  const known = sums.get(name);
  sums.set(name, { subject, bytes: known ? addCounts(known.bytes, bytes) : bytes });
}

function isEmpty(counts: ByteCounts): boolean {
  return countList(counts).every((count) => count === 0);
}
