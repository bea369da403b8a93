import { LEASE_MEMORY_MS, LEASE_TTL_MS, type QuotaAnswer, type QuotaReport } from "./limit-exchange.ts";

interface Lease {
  readonly used: number;
  readonly granted: number;
  readonly seenAtMs: number;
}

/** What one window of a quota has been used for. Maps are by lease id. */
export interface QuotaLedger {
  /** From before anybody leased. */
  readonly base: number;
  /** By leases that are closed. */
  past: number;
  readonly leases: Map<string, Lease>;
  /** What closed leases were counted with, so that none counts twice when it comes back. */
  readonly closed: Map<string, { readonly counted: number; readonly atMs: number }>;
  forgetAtMs: number;
}

/** Closed leases are looked through for old ones when there are more. */
export const MAX_CLOSED = 64;

/** A new window's ledger; undefined where the report does not say what came before. */
export function openLedger({ baseBytes }: QuotaReport): QuotaLedger | undefined {
  if (baseBytes === undefined) return undefined;
  return { base: baseBytes, past: 0, leases: new Map(), closed: new Map(), forgetAtMs: 0 };
}

/** Takes a report to the books. A lease may go as far as the other leases, used or granted, leave room below the limit. Redis does the same in Lua. */
export function leaseQuota(ledger: QuotaLedger, report: QuotaReport, nowMs: number): QuotaAnswer {
  const { leaseId, limitBytes, wantedBytes } = report;
  const isAnyClosed = closeSilent(ledger, leaseId, nowMs);
  const used = Math.max(report.usedBytes, ledger.leases.get(leaseId)?.used ?? 0);
  ledger.past -= ledger.closed.get(leaseId)?.counted ?? 0;
  if (ledger.closed.delete(leaseId) || isAnyClosed) forgetClosed(ledger, nowMs);
  ledger.leases.delete(leaseId);
  const settled = ledger.base + ledger.past;
  const others = [...ledger.leases.values()];
  const room = others.reduce((left, lease) => left - Math.max(lease.used, lease.granted), limitBytes - settled - used);
  const granted = used + Math.min(wantedBytes, Math.max(room, 0));
  ledger.leases.set(leaseId, { used, granted, seenAtMs: nowMs });
  ledger.forgetAtMs = Math.max(ledger.forgetAtMs, report.forgetAtMs, nowMs + LEASE_TTL_MS);
  return { outcome: "leased", grantedBytes: granted, usedBytes: usedOf(ledger), settledBytes: settled };
}

export function usedOf({ base, past, leases }: QuotaLedger): number {
  return [...leases.values()].reduce((sum, { used }) => sum + used, base + past);
}

function closeSilent(ledger: QuotaLedger, leaseId: string, nowMs: number): boolean {
  const before = ledger.leases.size;
  for (const [id, { used, granted, seenAtMs }] of ledger.leases) {
    if (id === leaseId || nowMs - seenAtMs < LEASE_TTL_MS) continue;
    const counted = Math.max(used, granted);
    ledger.leases.delete(id);
    ledger.past += counted;
    ledger.closed.set(id, { counted, atMs: nowMs });
  }
  return ledger.leases.size < before;
}

function forgetClosed(ledger: QuotaLedger, nowMs: number): void {
  if (ledger.closed.size <= MAX_CLOSED) return;
  for (const [id, { atMs }] of ledger.closed) if (nowMs - atMs >= LEASE_MEMORY_MS) ledger.closed.delete(id);
}
