import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { SPAN_KINDS, STATUS_ERROR, type TracedSpan } from "./traced-span.ts";

/** What takes the place of a collector: OTLP over HTTP with JSON, for processes with OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json. */
export interface OtlpReceiver extends AsyncDisposable {
  /** For `telemetry.traces.endpoint`. */
  readonly endpoint: string;
  /** In the order they arrived. */
  readonly spans: readonly TracedSpan[];
  /** Every byte received, for looking for secrets. */
  readonly text: string;
  /** Answers so from now on. Default 200. */
  status: number;
}

/** Listens on loopback. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: TracedSpan[] = [];
  const texts: string[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      texts.push(text);
      const { status } = receiver;
      const isExport = request.method === "POST" && request.url === "/v1/traces";
      if (isExport && status === 200) spans.push(...spansOf(JSON.parse(text) as ExportRequest));
      response.writeHead(isExport ? status : 404, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const receiver: OtlpReceiver = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    get text() {
      return texts.join("\n");
    },
    status: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return receiver;
}

/** The parts of opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest that are looked at. */
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number };
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function spansOf({ resourceSpans }: ExportRequest): TracedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const attributes = attributesOf(resource.attributes);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => tracedSpan(span, attributes)));
  });
}

function tracedSpan(span: OtlpSpan, resource: TracedSpan["resource"]): TracedSpan {
  const { name, kind, traceId, spanId, parentSpanId, links = [], status } = span;
  return {
    ...{ name, traceId, spanId, resource },
    kind: SPAN_KINDS[kind - 1]!,
    parentSpanId: parentSpanId || undefined,
    attributes: attributesOf(span.attributes),
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    isError: status?.code === STATUS_ERROR,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
  };
}

/** Values come as `{ "stringValue": … }` and the like. */
function attributesOf(pairs: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
