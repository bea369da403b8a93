import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, type Logger } from "@shadowfleet/runtime";
import { type ByteCounts, type FleetStore, subjectName, type TrafficSubject, type TrafficTotals } from "@shadowfleet/store";
import type { FleetDirectory } from "../directory/fleet-directory.ts";
import type { Members } from "../directory/members.ts";

export interface KnownTotalsOptions {
  readonly store: FleetStore;
  readonly directory: Pick<FleetDirectory, "view" | "isStoreAvailable">;
  readonly members: Members;
  readonly logger: Logger;
  /** How often totals are read. */
  readonly intervalMs: number;
}

interface Known {
  readonly subject: TrafficSubject;
  readonly totals: TrafficTotals;
}

/** Totals read or restored in one call. */
const BATCH = 1_000;
const RESTORE_ATTEMPTS = 10;

/**
 * Remembers traffic totals, so that a store that came back empty can be given them again: totals are promised never to fall. What was
 * counted between the last look and the loss is gone; members that flush again count on from there.
 */
export class KnownTotals {
  readonly #options: KnownTotalsOptions;
  readonly #known = new Map<string, Known>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  /** Lives of the counters that were given what is known: what they say from then on is so. */
  readonly #restored = new Set<string>();
  #fleet = "";
  #hasLost = false;

  constructor(options: KnownTotalsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  /** Gives the store everything known, in batches; tries again while it is away. The store takes each subject once in its life. */
  async restore(): Promise<void> {
    const { store, logger, intervalMs } = this.#options;
    const entries = [...this.#known.values()].filter(({ totals }) => bytesOf(totals.total) > 0);
    for (let attempt = 1; attempt <= RESTORE_ATTEMPTS && !this.#closing.signal.aborted; attempt++) {
      try {
        for (let at = 0; at < entries.length; at += BATCH) await store.restoreTraffic(entries.slice(at, at + BATCH));
        this.#restored.add((await store.readTraffic({ kind: "fleet" })).generation);
        logger.warn({ subjects: entries.length }, "gave the emptied store the traffic totals known here");
        return;
      } catch (error) {
        logger.error({ code: codeOf(error), err: error, attempt }, "the emptied store did not take the traffic totals, trying again");
        await this.#pause(Math.min(intervalMs, 1_000));
      }
    }
  }

  /** Reads what the store has now. A total that fell is not believed: it is the one to restore. */
  async refresh(): Promise<void> {
    const { store, directory, members } = this.#options;
    const present = await members.list();
    const fleet = await store.readTraffic({ kind: "fleet" });
    const seen = `${fleet.generation} ${bytesOf(fleet.total)}`;
    if (seen === this.#fleet) return;
    for (let afterId = ""; !this.#closing.signal.aborted; ) {
      const batch = await store.listTraffic(afterId, BATCH);
      for (const totals of batch) this.#learn({ kind: "key", id: totals.subject }, totals);
      const last = batch.at(-1);
      if (batch.length < BATCH || !last) break;
      afterId = last.subject;
    }
    for (const port of directory.view.ports.keys()) await this.#look({ kind: "port", port });
    for (const { id } of present) await this.#look({ kind: "member", id });
    this.#learn({ kind: "fleet" }, fleet);
    this.#fleet = seen;
    if (!this.#hasLost) return;
    this.#hasLost = false;
    await this.restore();
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      // Without the store there is nothing to read; that it is away is said by whoever follows it.
      if (this.#options.directory.isStoreAvailable) await this.refresh().catch((error: unknown) => this.#onFailure(error));
      await this.#pause(this.#options.intervalMs);
    }
  }

  #onFailure(error: unknown): void {
    const code = codeOf(error);
    this.#options.logger[code === "INTERNAL" ? "error" : "debug"]({ code, err: error }, "traffic totals could not be read");
  }

  async #look(subject: TrafficSubject): Promise<void> {
    this.#learn(subject, await this.#options.store.readTraffic(subject));
  }

  #learn(subject: TrafficSubject, totals: TrafficTotals): void {
    const name = `${subject.kind} ${subjectName(subject)}`;
    const before = this.#known.get(name)?.totals.total;
    const isLoss = before !== undefined && !isAtLeast(totals.total, before) && !this.#restored.has(totals.generation);
    if (isLoss) this.#hasLost = true;
    else this.#known.set(name, { subject, totals });
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
  }
}

function isAtLeast(now: ByteCounts, before: ByteCounts): boolean {
  return now.tcpUp >= before.tcpUp && now.tcpDown >= before.tcpDown && now.udpUp >= before.udpUp && now.udpDown >= before.udpDown;
}

function bytesOf({ tcpUp, tcpDown, udpUp, udpDown }: ByteCounts): number {
  return tcpUp + tcpDown + udpUp + udpDown;
}
