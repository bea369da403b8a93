import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "@shadowfleet/runtime";
import type { ByteCounts, FleetStore } from "../../src/index.ts";
import { addCounts } from "../../src/traffic-sums.ts";
import { batch, delta } from "./harness.ts";

const RETRY_MS = 100;

/** Flushes as a relay does: one batch after the other, each sent again until it is acknowledged. */
export class Flusher {
  readonly #store: FleetStore;
  readonly #keys: number;
  sequence = 0;
  /** Calls that were rejected. */
  rejected = 0;
  /** Batches found applied when sent again: the answer had been lost, not the batch. */
  duplicates = 0;
  acknowledged: ByteCounts = { tcpUp: 0, tcpDown: 0, udpUp: 0, udpDown: 0 };
  #isStopped = false;

  constructor(store: FleetStore, keys = 20) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Until `stop`; resolves when the last batch is acknowledged. */
  async run(intervalMs = 5): Promise<void> {
    while (!this.#isStopped) {
      await this.flush();
      await sleep(intervalMs);
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async flush(): Promise<void> {
    const sequence = ++this.sequence;
    const deltas = Array.from({ length: this.#keys }, (_, at) => delta(`key-${at}`, 8_001, { tcpUp: sequence, tcpDown: at, udpUp: 1 }));
    const one = batch(sequence, deltas);
    for (;;) {
      try {
        if ((await this.#store.applyTraffic(one)) === "duplicate") this.duplicates++;
        break;
      } catch (error) {
        if (codeOf(error) !== "STORE_UNAVAILABLE") throw error;
        this.rejected++;
        await sleep(RETRY_MS);
      }
    }
    for (const counts of deltas) this.acknowledged = addCounts(this.acknowledged, counts);
  }
}
