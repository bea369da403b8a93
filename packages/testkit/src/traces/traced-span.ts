/** A finished span, however it was got hold of. */
export interface TracedSpan {
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer";
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for the first of a trace. */
  readonly parentSpanId: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  /** The process's. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** By the number that OpenTelemetry's API gives it; OTLP counts from one more. */
export const SPAN_KINDS: readonly TracedSpan["kind"][] = ["internal", "server", "client", "producer", "consumer"];

/** OTLP's and the API's number for a span that failed. */
export const STATUS_ERROR = 2;
