import type { MemberRecord } from "@shadowfleet/store";

/** A healthy TCP relay that has bound this port, as the store knows it. */
export function relayRecord(id: string, port: number): MemberRecord {
  return {
    id,
    kind: "tcp-relay",
    version: "0.1.0",
    epoch: "1",
    startedAtMs: Date.now(),
    reportedAtMs: Date.now(),
    appliedRevision: 1,
    ready: true,
    draining: false,
    sessionCount: 0,
    ports: [{ port, bound: true, error: "" }],
  };
}
