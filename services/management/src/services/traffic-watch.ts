import { setTimeout as sleep } from "node:timers/promises";
import type { ResponseStream, TrafficRate, WatchTrafficRequest, WatchTrafficResponse } from "@shadowfleet/control-api";
import type { ByteCounts, TrafficTotals } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { readDuration } from "./requests.ts";
import { trafficMessage } from "./traffic-messages.ts";

/** Totals read, or sent in one message, at a time. */
const BATCH = 1_000;
const MAX_INTERVAL_MS = 60_000;

/** One WatchTraffic stream: looks every interval and sends what grew, and how fast. */
export class TrafficWatch {
  readonly #context: ManagementContext;
  readonly #stream: ResponseStream<WatchTrafficResponse>;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, TrafficTotals>();
  #fleetBytes = -1;
  #lookedAtMs = 0;

  constructor(context: ManagementContext, stream: ResponseStream<WatchTrafficResponse>, signal: AbortSignal) {
    this.#context = context;
    this.#stream = stream;
    this.#signal = signal;
  }

  /** Resolves when the client leaves; rejects with STORE_UNAVAILABLE when the store does not answer. */
  async run({ accessKeyId, interval }: WatchTrafficRequest): Promise<void> {
    const problems = new FieldProblems();
    const { watchMs } = this.#context.timing;
    const intervalMs = readDuration(interval, { field: "interval", minMs: watchMs, maxMs: MAX_INTERVAL_MS, absentMs: watchMs }, problems);
    problems.throwIfAny();
    for (let isFirst = true; !this.#signal.aborted; isFirst = false) {
      await this.#look(accessKeyId, isFirst);
      await sleep(intervalMs, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  async #look(keyId: string, isFirst: boolean): Promise<void> {
    const nowMs = this.#context.clock.monotonic();
    const seconds = isFirst ? 0 : Math.max(nowMs - this.#lookedAtMs, 1) / 1_000;
    this.#lookedAtMs = nowMs;
    let hasSent = false;
    for await (const totals of keyId === "" ? this.#all() : this.#one(keyId)) {
      const rates = totals.flatMap((next) => this.#rateOf(next, seconds));
      if (rates.length === 0) continue;
      await this.#stream.send({ rates });
      hasSent = true;
    }
    if (isFirst && !hasSent) await this.#stream.send({ rates: [] });
  }

  async *#one(keyId: string): AsyncGenerator<readonly TrafficTotals[], void> {
    yield [await this.#context.store.readTraffic({ kind: "key", id: keyId })];
  }

  /** Every key's totals in batches; nothing when the fleet's own total says that none grew. */
  async *#all(): AsyncGenerator<readonly TrafficTotals[], void> {
    const { store } = this.#context;
    const fleetBytes = sumOf((await store.readTraffic({ kind: "fleet" })).total);
    if (fleetBytes === this.#fleetBytes) return;
    this.#fleetBytes = fleetBytes;
    for (let afterId = ""; !this.#signal.aborted; ) {
      const batch = await store.listTraffic(afterId, BATCH);
      if (batch.length > 0) yield batch;
      const last = batch.at(-1);
      if (batch.length < BATCH || !last) return;
      afterId = last.subject;
    }
  }

  #rateOf(next: TrafficTotals, seconds: number): TrafficRate[] {
    const before = this.#known.get(next.subject)?.total;
    if (before && sumOf(before) === sumOf(next.total)) return [];
    this.#known.set(next.subject, next);
    const perSecond = (now: number, then: number): number => (seconds > 0 ? (now - then) / seconds : 0);
    const { total } = next;
    return [
      {
        traffic: trafficMessage(next),
        upBytesPerSecond: perSecond(total.tcpUp + total.udpUp, before ? before.tcpUp + before.udpUp : 0),
        downBytesPerSecond: perSecond(total.tcpDown + total.udpDown, before ? before.tcpDown + before.udpDown : 0),
      },
    ];
  }
}

function sumOf({ tcpUp, tcpDown, udpUp, udpDown }: ByteCounts): number {
  return tcpUp + tcpDown + udpUp + udpDown;
}
