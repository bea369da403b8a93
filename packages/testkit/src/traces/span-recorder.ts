import type { SpanProcessor } from "@shadowfleet/runtime";
import { createMemoryLogger } from "../memory-logger.ts";
import { SPAN_KINDS, STATUS_ERROR, type TracedSpan } from "./traced-span.ts";

type FinishedSpan = Parameters<SpanProcessor["onEnd"]>[0];

export interface RecordSpansOptions {
  /** Of traces begun here. Default 1. */
  readonly sampleRatio?: number;
}

/** Traces this process as its services do, with the spans kept here; `await using` ends it. One at a time. */
export async function recordSpans({ sampleRatio = 1 }: RecordSpansOptions = {}): Promise<SpanRecorder> {
  const { startTracing } = await import("@shadowfleet/runtime");
  const finished: FinishedSpan[] = [];
  const spanProcessor: SpanProcessor = {
    onStart: () => {},
    onEnd: (span) => void finished.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracing = await startTracing({
    traces: { endpoint: "http://127.0.0.1:4318", sampleRatio, dataPlaneSampleRatio: 0 },
    serviceName: "test",
    version: "0.0.0",
    instanceId: "test",
    logger: createMemoryLogger().logger,
    spanProcessor,
  });
  return new SpanRecorder(finished, () => tracing.shutdown());
}

/** Use `recordSpans`. */
export class SpanRecorder implements AsyncDisposable {
  readonly #finished: FinishedSpan[];
  readonly #stop: () => Promise<void>;

  constructor(finished: FinishedSpan[], stop: () => Promise<void>) {
    this.#finished = finished;
    this.#stop = stop;
  }

  /** In the order they ended. */
  get spans(): readonly TracedSpan[] {
    return this.#finished.map(tracedSpan);
  }

  named(name: string): TracedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** Forgets what ended so far. */
  clear(): void {
    this.#finished.length = 0;
  }

  /** Nothing is traced any more. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}

function tracedSpan(span: FinishedSpan): TracedSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    name: span.name,
    kind: SPAN_KINDS[span.kind]!,
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    links: span.links.map(({ context }) => ({ traceId: context.traceId, spanId: context.spanId })),
    isError: span.status.code === STATUS_ERROR,
    startMs: milliseconds(span.startTime),
    endMs: milliseconds(span.endTime),
    resource: span.resource.attributes,
  };
}

function milliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
