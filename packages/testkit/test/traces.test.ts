import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionTracer, startTracing } from "@shadowfleet/runtime";
import { eventually, recordSpans, startOtlpReceiver, type TracedSpan } from "../src/index.ts";
import { createMemoryLogger } from "../src/memory-logger.ts";

const CONNECTION = {
  transport: "tcp",
  code: "DIAL_REFUSED",
  startedAtMs: 1_700_000_000_000,
  durationMs: 250,
  bytesUp: 3,
  bytesDown: 0,
} as const;

function assertConnection(span: TracedSpan | undefined, serviceName: string): void {
  assert.ok(span);
  const { traceId, spanId, resource, endMs, ...rest } = span;
  assert.match(traceId, /^[0-9a-f]{32}$/);
  assert.match(spanId, /^[0-9a-f]{16}$/);
  assert.equal(resource["service.name"], serviceName);
  assert.equal(Math.round(endMs), 1_700_000_000_250);
  assert.deepEqual(rest, {
    name: "proxy tcp",
    kind: "server",
    parentSpanId: undefined,
    attributes: {
      "network.transport": "tcp",
      "shadowsocks.outcome": "DIAL_REFUSED",
      "shadowsocks.bytes.up": 3,
      "shadowsocks.bytes.down": 0,
      "error.type": "DIAL_REFUSED",
    },
    links: [],
    isError: true,
    startMs: 1_700_000_000_000,
  });
}

test("the receiver reads what a service's exporter sends, and can refuse it", async () => {
  await using receiver = await startOtlpReceiver();
  process.env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL = "http/json";
  process.env.OTEL_BSP_SCHEDULE_DELAY = "10";
  const log = createMemoryLogger();
  const traces = { endpoint: receiver.endpoint, sampleRatio: 1, dataPlaneSampleRatio: 1 };
  const tracing = await startTracing({ traces, serviceName: "relay", version: "1", instanceId: "r", logger: log.logger });
  tracing.traceConnection?.(CONNECTION);
  await eventually("the span arrives", () => receiver.spans.length === 1);
  assertConnection(receiver.spans[0], "relay");
  assert.ok(receiver.text.includes("DIAL_REFUSED"));
  receiver.status = 400;
  tracing.traceConnection?.(CONNECTION);
  await tracing.shutdown();
  assert.equal(receiver.spans.length, 1, "a refused batch is not kept");
  const said = log.lines.map(({ level, msg }) => `${level} ${msg}`);
  assert.deepEqual(said, ["warn the last spans were not sent"]);
});

test("the recorder gives the same shape, and ends with its scope", async () => {
  {
    await using recorder = await recordSpans();
    connectionTracer(1)?.(CONNECTION);
    assertConnection(recorder.named("proxy tcp")[0], "test");
    assert.deepEqual(recorder.named("other"), []);
    recorder.clear();
    assert.deepEqual(recorder.spans, []);
  }
  await using next = await recordSpans();
  assert.deepEqual(next.spans, []);
});
