import type { QuotaAnswer, QuotaReport } from "../limit-exchange.ts";
import { leaseQuota, openLedger, type QuotaLedger, usedOf } from "../quota-ledger.ts";
import { HOUR_MS } from "../traffic.ts";
import type { Database } from "./database.ts";

const SAVE = `
  INSERT INTO quota VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET body = excluded.body, forget_at_ms = excluded.forget_at_ms`;

/** Windows of quotas: read from the table when first spoken of, from then on in memory, written behind every report that changed them. */
export class QuotaTable {
  readonly #db: Database;
  readonly #ledgers = new Map<string, QuotaLedger>();
  #prunedAtMs = Number.NEGATIVE_INFINITY;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Within a transaction. */
  exchange(keyId: string, report: QuotaReport, nowMs: number): QuotaAnswer {
    this.#prune(nowMs);
    const ledger = this.#find(keyId, report.windowId) ?? openLedger(report);
    if (!ledger) return { outcome: "needs-base" };
    const answer = leaseQuota(ledger, report, nowMs);
    this.#ledgers.set(nameOf(keyId, report.windowId), ledger);
    this.#db.run(SAVE, keyId, report.windowId, toText(ledger), ledger.forgetAtMs);
    return answer;
  }

  used(keyId: string, windowId: string): number | undefined {
    const ledger = this.#find(keyId, windowId);
    return ledger && usedOf(ledger);
  }

  /** After a transaction that was rolled back: the table says what is true. */
  forget(): void {
    this.#ledgers.clear();
  }

  #find(keyId: string, windowId: string): QuotaLedger | undefined {
    const known = this.#ledgers.get(nameOf(keyId, windowId));
    if (known) return known;
    const row = this.#db.get("SELECT body FROM quota WHERE key_id = ? AND window_id = ?", keyId, windowId);
    if (!row) return undefined;
    const ledger = fromText(String(row.body));
    this.#ledgers.set(nameOf(keyId, windowId), ledger);
    return ledger;
  }

  #prune(nowMs: number): void {
    if (nowMs - this.#prunedAtMs < HOUR_MS) return;
    this.#prunedAtMs = nowMs;
    for (const [name, { forgetAtMs }] of this.#ledgers) if (forgetAtMs < nowMs) this.#ledgers.delete(name);
    this.#db.run("DELETE FROM quota WHERE forget_at_ms < ?", nowMs);
  }
}

const nameOf = (keyId: string, windowId: string): string => `${keyId}\0${windowId}`;

function toText({ leases, closed, ...sums }: QuotaLedger): string {
  return JSON.stringify({ ...sums, leases: [...leases], closed: [...closed] });
}

function fromText(text: string): QuotaLedger {
  const { leases, closed, ...sums } = JSON.parse(text);
  return { ...sums, leases: new Map(leases), closed: new Map(closed) };
}
