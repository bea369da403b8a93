import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { codeOf, spanContextOf } from "@shadowfleet/runtime";

/**
 * Runs the work that brings a configuration into force inside a span. What one traced write caused becomes a part of that write's trace; what
 * several caused is a trace of its own that links to each of them.
 */
export async function applySpan(revision: bigint, traceparents: readonly string[], work: () => Promise<void>): Promise<void> {
  const writes = traceparents.flatMap((traceparent) => spanContextOf(traceparent) ?? []);
  const [only, ...more] = writes;
  const parent = only && more.length === 0 ? trace.setSpanContext(ROOT_CONTEXT, only) : ROOT_CONTEXT;
  const links = more.length === 0 ? [] : writes.map((write) => ({ context: write }));
  const attributes = { "fleet.config.revision": Number(revision) };
  const span = trace
    .getTracer("@shadowfleet/control-api")
    .startSpan("apply configuration", { kind: SpanKind.CONSUMER, attributes, links }, parent);
  try {
    await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    span.setAttribute("error.type", codeOf(error)).setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
