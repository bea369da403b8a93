import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ErrorCode } from "./error-codes.ts";
import { withTraceKept } from "./trace-sampler.ts";

/** A proxied connection that is over. No address of either end: spans leave the machine. */
export interface ProxiedConnection {
  readonly transport: "tcp" | "udp";
  readonly code: "OK" | ErrorCode;
  /** Milliseconds since 1970, of accept. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Payload bytes. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Of a relay: the access key's id and the listening port. */
  readonly keyId?: string;
  readonly port?: number;
  /** Of a gateway. */
  readonly upstreamId?: string | undefined;
}

export type TraceConnection = (connection: ProxiedConnection) => void;

/** Makes a span of a share of the connections; undefined when of none, so that callers need not even describe them. */
export function connectionTracer(ratio: number, random: () => number = Math.random): TraceConnection | undefined {
  if (ratio === 0) return undefined;
  const tracer = trace.getTracer("@shadowfleet/runtime");
  const context = withTraceKept(ROOT_CONTEXT);
  return (connection) => {
    if (random() >= ratio) return;
    const { transport, code, startedAtMs, durationMs } = connection;
    const attributes = attributesOf(connection);
    const span = tracer.startSpan(`proxy ${transport}`, { kind: SpanKind.SERVER, startTime: startedAtMs, attributes }, context);
    if (code !== "OK") span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", code);
    span.end(startedAtMs + durationMs);
  };
}

function attributesOf({ transport, code, bytesUp, bytesDown, keyId, port, upstreamId }: ProxiedConnection) {
  return {
    "network.transport": transport,
    "shadowsocks.outcome": code,
    "shadowsocks.bytes.up": bytesUp,
    "shadowsocks.bytes.down": bytesDown,
    ...(port === undefined ? {} : { "server.port": port }),
    ...(keyId === undefined ? {} : { "fleet.key.id": keyId }),
    ...(upstreamId === undefined ? {} : { "fleet.upstream.id": upstreamId }),
  };
}
