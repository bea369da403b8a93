import { context, propagation, ROOT_CONTEXT, type SpanContext, TraceFlags, trace } from "@opentelemetry/api";

interface Carrier {
  traceparent?: string;
}

/**
 * The active span as a W3C traceparent, to be carried where no call goes, such as through the store's feed; undefined when there is none, or none
 * that is recorded.
 */
export function activeTraceparent(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || !(span.traceFlags & TraceFlags.SAMPLED)) return undefined;
  const carrier: Carrier = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** The span a traceparent names; undefined for what is none, and while nothing is traced here. */
export function spanContextOf(traceparent: string): SpanContext | undefined {
  return trace.getSpanContext(propagation.extract<Carrier>(ROOT_CONTEXT, { traceparent }));
}
