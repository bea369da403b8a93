import type { TrafficMeter } from "./access-key.ts";

/** The meters of every key id this process has known. A key that leaves keeps its meter: totals only ever grow, and go on if it returns. */
export class TrafficLedger {
  readonly #meters = new Map<string, TrafficMeter>();

  /** The meter of a key id; the same object for ever. */
  meterOf(keyId: string): TrafficMeter {
    let meter = this.#meters.get(keyId);
    if (!meter) {
      meter = { tcp: { up: 0, down: 0 }, udp: { up: 0, down: 0 } };
      this.#meters.set(keyId, meter);
    }
    return meter;
  }

  /** Payload bytes of all keys together. Walks every meter: for scrapes, not for packets. */
  total(transport: "tcp" | "udp"): { readonly up: number; readonly down: number } {
    let up = 0;
    let down = 0;
    for (const meter of this.#meters.values()) {
      up += meter[transport].up;
      down += meter[transport].down;
    }
    return { up, down };
  }
}
