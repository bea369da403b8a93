import { settleFlows } from "@shadowfleet/transport";
import type { TrafficMeter } from "./access-key.ts";

/** One meter and whose it is. */
export interface LedgerEntry {
  readonly keyId: string;
  readonly port: number;
  readonly meter: TrafficMeter;
  /** What of the meter was taken from the ledger so far, and how often it was looked at since it last moved: its flusher's. */
  readonly taken: { tcpUp: number; tcpDown: number; udpUp: number; udpDown: number; quietRounds: number };
}

/**
 * The meters of every key this process has known, one for each port a key was on. A key that leaves keeps its meter: totals only ever grow,
 * and go on if it returns.
 */
export class TrafficLedger {
  readonly #entries = new Map<string, LedgerEntry>();
  /** Bytes of meters that were forgotten. */
  readonly #forgotten: TrafficMeter = emptyMeter();

  /** The meter of a key id on a port; the same object until it is forgotten. */
  meterOf(keyId: string, port: number): TrafficMeter {
    const name = entryName(keyId, port);
    let entry = this.#entries.get(name);
    if (!entry) {
      entry = { keyId, port, meter: emptyMeter(), taken: { tcpUp: 0, tcpDown: 0, udpUp: 0, udpDown: 0, quietRounds: 0 } };
      this.#entries.set(name, entry);
    }
    return entry.meter;
  }

  /** With all that was counted until now. */
  entries(): Iterable<LedgerEntry> {
    settleFlows();
    return this.#entries.values();
  }

  /** Lets go of a meter that nothing counts on any more; its bytes stay in the totals. */
  forget({ keyId, port, meter }: LedgerEntry): void {
    if (!this.#entries.delete(entryName(keyId, port))) return;
    for (const transport of ["tcp", "udp"] as const) {
      this.#forgotten[transport].up += meter[transport].up;
      this.#forgotten[transport].down += meter[transport].down;
    }
  }

  /** Payload bytes of all keys together. Walks every meter: for scrapes, not for packets. */
  total(transport: "tcp" | "udp"): { readonly up: number; readonly down: number } {
    settleFlows();
    let { up, down } = this.#forgotten[transport];
    for (const { meter } of this.#entries.values()) {
      up += meter[transport].up;
      down += meter[transport].down;
    }
    return { up, down };
  }
}

function entryName(keyId: string, port: number): string {
  return `${port} ${keyId}`;
}

function emptyMeter(): TrafficMeter {
  return { tcp: { up: 0, down: 0 }, udp: { up: 0, down: 0 } };
}
