import type { ExportTrafficRequest, ExportTrafficResponse, ResponseStream, TrafficExportRow } from "@shadowfleet/control-api";
import { HOUR_MS, KEPT_HOURS } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { readTime } from "./requests.ts";
import { bytesMessage } from "./traffic-messages.ts";

/** Relays tell every second; what takes longer than this was held up by an outage, and counts for a later hour. */
const SETTLE_MS = 5 * 60_000;
const DEFAULT_HOURS = 24;
const ROWS_PER_MESSAGE = 1_000;

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Serves ExportTraffic: hour by hour from the store, as fast as the client takes it. */
export class TrafficExport {
  readonly #context: ManagementContext;
  readonly #stream: ResponseStream<ExportTrafficResponse>;
  readonly #signal: AbortSignal;

  constructor(context: ManagementContext, stream: ResponseStream<ExportTrafficResponse>, signal: AbortSignal) {
    this.#context = context;
    this.#stream = stream;
    this.#signal = signal;
  }

  async run(request: ExportTrafficRequest): Promise<void> {
    const { store } = this.#context;
    readRange(request, this.#context.clock.now());
    const openMs = await store.closeHours(SETTLE_MS);
    const { fromMs, toMs } = readRange(request, openMs);
    const head = { finalBeforeTime: new Date(openMs), startTime: new Date(fromMs), endTime: new Date(toMs) };
    await this.#stream.send({ ...head, rows: [] });
    for await (const rows of this.#rows(request.accessKeyId, { fromMs, toMs })) {
      for (let at = 0; at < rows.length && !this.#signal.aborted; at += ROWS_PER_MESSAGE)
        await this.#stream.send({ ...head, rows: rows.slice(at, at + ROWS_PER_MESSAGE) });
      if (this.#signal.aborted) return;
    }
  }

  async *#rows(keyId: string, { fromMs, toMs }: Range): AsyncGenerator<TrafficExportRow[]> {
    const { store, clock } = this.#context;
    if (keyId !== "") {
      const buckets = await store.readBuckets(keyId, fromMs, toMs);
      yield buckets.map(({ hourMs, bytes }) => ({ accessKeyId: keyId, hour: new Date(hourMs), bytes: bytesMessage(bytes) }));
      return;
    }
    // Nothing older is kept, and nothing newer is there: the range asked for may be all of time.
    const nowMs = clock.now();
    const firstMs = Math.max(fromMs, hourOf(nowMs) - (KEPT_HOURS + 1) * HOUR_MS);
    for (let hourMs = firstMs; hourMs < Math.min(toMs, nowMs + HOUR_MS); hourMs += HOUR_MS) {
      const found = await store.readHour(hourMs);
      yield found.map(({ keyId: accessKeyId, bytes }) => ({ accessKeyId, hour: new Date(hourMs), bytes: bytesMessage(bytes) }));
    }
  }
}

/** Whole hours. Throws RpcError for a range that is none. */
function readRange({ startTime, endTime }: ExportTrafficRequest, defaultEndMs: number): Range {
  const problems = new FieldProblems();
  const endMs = readTime(endTime, "end_time", problems) ?? defaultEndMs;
  const toMs = hourOf(endMs + HOUR_MS - 1);
  const startMs = readTime(startTime, "start_time", problems) ?? toMs - DEFAULT_HOURS * HOUR_MS;
  problems.require(startMs < endMs, "start_time", "must be before the end of the last closed hour, or before end_time");
  problems.throwIfAny();
  return { fromMs: hourOf(startMs), toMs };
}

/** The start of the hour; also right before 1970. */
function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS;
}
