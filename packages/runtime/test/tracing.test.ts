import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { context, type SpanContext, SpanKind, TraceFlags, trace } from "@opentelemetry/api";
import { activeTraceparent, createLogger, type SpanProcessor, spanContextOf, startTracing, type Tracing } from "../src/index.ts";
import { memoryLog, records } from "./memory-log.ts";

type FinishedSpan = Parameters<SpanProcessor["onEnd"]>[0];

interface Recorded extends Tracing {
  readonly spans: FinishedSpan[];
}

async function record({ sampleRatio = 1, dataPlaneSampleRatio = 0 } = {}): Promise<Recorded> {
  const spans: FinishedSpan[] = [];
  const nothing = async () => {};
  const spanProcessor = { onStart: () => {}, onEnd: (span: FinishedSpan) => void spans.push(span), forceFlush: nothing, shutdown: nothing };
  const traces = { endpoint: "http://127.0.0.1:4318", sampleRatio, dataPlaneSampleRatio };
  const { logger } = memoryLog();
  return {
    spans,
    ...(await startTracing({ traces, serviceName: "tcp-relay", version: "1.2.3", instanceId: "a-1", logger, spanProcessor })),
  };
}

const remote = (traceFlags: TraceFlags) =>
  trace.setSpanContext(context.active(), {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags,
    isRemote: true,
  });

const tracer = () => trace.getTracer("test");

describe("without an endpoint", () => {
  it("makes no spans", async () => {
    const tracing = await startTracing({
      traces: { sampleRatio: 1, dataPlaneSampleRatio: 1 },
      serviceName: "tcp-relay",
      version: "1.2.3",
      instanceId: "a-1",
      logger: memoryLog().logger,
    });
    assert.equal(tracing.traceConnection, undefined);
    tracer().startActiveSpan("x", (span) => {
      assert.equal(span.isRecording(), false);
      assert.equal(trace.getActiveSpan(), undefined);
      assert.equal(activeTraceparent(), undefined);
    });
    await tracing.shutdown();
  });

  it("does not load the SDK", () => {
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { startTracing } = await import("@shadowfleet/runtime");
      const off = { sampleRatio: 1, dataPlaneSampleRatio: 0 };
      await startTracing({ traces: off });
      const has = (name) => loaded.some((url) => url.includes(name));
      process.stdout.write(JSON.stringify([has("/runtime/src/tracing.ts"), has("/sdk-node/"), has("/runtime/src/trace-sdk.ts")]));`;
    const said = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: import.meta.dirname, encoding: "utf8" });
    assert.deepEqual(JSON.parse(said), [true, false, false]);
  });
});

describe("with an endpoint", () => {
  it("keeps the share of new traces that is asked for, and leaves traces of others to them", async () => {
    for (const [sampleRatio, least, most] of [
      [0, 0, 0],
      [0.25, 350, 650],
      [1, 2000, 2000],
    ] as const) {
      const tracing = await record({ sampleRatio });
      for (let count = 0; count < 2000; count++) tracer().startSpan("root").end();
      assert.ok(tracing.spans.length >= least && tracing.spans.length <= most, `${tracing.spans.length} of 2000 at ${sampleRatio}`);
      tracing.spans.length = 0;
      tracer().startSpan("child", {}, remote(TraceFlags.SAMPLED)).end();
      tracer().startSpan("child", {}, remote(TraceFlags.NONE)).end();
      assert.equal(tracing.spans.length, 1, `parents decide at ${sampleRatio}`);
      await tracing.shutdown();
    }
  });

  it("names the process in every span, and OTEL_RESOURCE_ATTRIBUTES has the last word", async () => {
    process.env.OTEL_RESOURCE_ATTRIBUTES = "k8s.pod.name=relay-0,service.instance.id=pod-uid";
    const tracing = await record();
    tracer().startSpan("x").end();
    await tracing.shutdown();
    delete process.env.OTEL_RESOURCE_ATTRIBUTES;
    const { attributes } = tracing.spans[0]!.resource;
    assert.deepEqual(
      { ...attributes },
      {
        "service.name": "tcp-relay",
        "service.namespace": "shadowfleet",
        "service.version": "1.2.3",
        "service.instance.id": "pod-uid",
        "k8s.pod.name": "relay-0",
      },
    );
  });

  it("makes log lines inside a span say which, and no others", async () => {
    const lines: string[] = [];
    const logger = createLogger({ name: "test", level: "info", traced: true, destination: { write: (line) => void lines.push(line) } });
    const tracing = await record();
    logger.info("outside");
    await tracer().startActiveSpan("work", async (span) => {
      await new Promise(setImmediate);
      logger.child({ room: "x" }).info({ port: 1 }, "inside");
      span.end();
    });
    await tracing.shutdown();
    const [outside, inside] = records(lines);
    const { traceId, spanId } = tracing.spans[0]!.spanContext();
    assert.equal(outside && "trace_id" in outside, false);
    assert.deepEqual([inside?.trace_id, inside?.span_id, inside?.trace_flags, inside?.port], [traceId, spanId, "01", 1]);
  });

  it("hands a recorded span on as a traceparent, and reads it back", async () => {
    const tracing = await record();
    tracer().startActiveSpan("write", (span) => {
      const { traceId, spanId } = span.spanContext();
      assert.equal(activeTraceparent(), `00-${traceId}-${spanId}-01`);
      const read = spanContextOf(activeTraceparent()!) as SpanContext;
      assert.deepEqual([read.traceId, read.spanId, read.isRemote], [traceId, spanId, true]);
      span.end();
    });
    context.with(remote(TraceFlags.NONE), () => assert.equal(activeTraceparent(), undefined, "nobody records it"));
    assert.equal(spanContextOf("nonsense"), undefined);
    await tracing.shutdown();
  });

  it("is over after its shutdown: the next start in the process is a new one", async () => {
    const first = await record();
    await first.shutdown();
    tracer().startSpan("nobody's").end();
    const second = await record();
    tracer().startSpan("second's").end();
    await second.shutdown();
    assert.deepEqual([first.spans.map(({ name }) => name), second.spans.map(({ name }) => name)], [[], ["second's"]]);
  });
});

describe("proxied connections", () => {
  const connection = {
    transport: "tcp",
    code: "OK",
    startedAtMs: 1_700_000_000_000,
    durationMs: 1500.5,
    bytesUp: 10,
    bytesDown: 20,
  } as const;

  it("get a span with start, end, bytes and outcome, whatever becomes of other traces", async () => {
    const tracing = await record({ sampleRatio: 0, dataPlaneSampleRatio: 1 });
    tracing.traceConnection!({ ...connection, keyId: "alice", port: 8388 });
    tracing.traceConnection!({ ...connection, transport: "udp", code: "IDLE_TIMEOUT", upstreamId: "eu-1" });
    await tracing.shutdown();
    const [tcp, udp] = tracing.spans;
    assert.deepEqual([tcp!.name, tcp!.kind, tcp!.parentSpanContext, tcp!.status.code], ["proxy tcp", SpanKind.SERVER, undefined, 0]);
    assert.deepEqual(
      [tcp!.startTime, tcp!.duration],
      [
        [1_700_000_000, 0],
        [1, 500_500_000],
      ],
    );
    assert.deepEqual(tcp!.attributes, {
      "network.transport": "tcp",
      "shadowsocks.outcome": "OK",
      "shadowsocks.bytes.up": 10,
      "shadowsocks.bytes.down": 20,
      "server.port": 8388,
      "fleet.key.id": "alice",
    });
    assert.deepEqual([udp!.status.code, udp!.attributes["error.type"], udp!.attributes["fleet.upstream.id"]], [2, "IDLE_TIMEOUT", "eu-1"]);
  });

  it("get one by the ratio of their own", async () => {
    const tracing = await record({ dataPlaneSampleRatio: 0.2 });
    for (let count = 0; count < 2000; count++) tracing.traceConnection!(connection);
    await tracing.shutdown();
    assert.ok(tracing.spans.length > 280 && tracing.spans.length < 520, `${tracing.spans.length} of 2000`);
    const off = await record({ dataPlaneSampleRatio: 0 });
    assert.equal(off.traceConnection, undefined);
    await off.shutdown();
  });
});

describe("a collector that is of no use", () => {
  it("costs one log line a minute and no longer stop than two seconds", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (asked.length < 3) response.writeHead(400).end();
      // Then it hangs.
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { logger, lines } = memoryLog("info");
    Object.assign(process.env, { OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "2500" });
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const traces = { endpoint, sampleRatio: 1, dataPlaneSampleRatio: 0 };
    const tracing = await startTracing({ traces, serviceName: "gateway", version: "1", instanceId: "g", logger });
    for (const name of ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"]) delete process.env[name];
    for (const until of [1, 2, 3]) {
      tracer().startSpan("lost").end();
      while (asked.length < until) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const startedMs = performance.now();
    await tracing.shutdown();
    const tookMs = performance.now() - startedMs;
    server.closeAllConnections();
    server.close();
    assert.ok(tookMs < 3000, `the stop took ${tookMs} ms`);
    assert.deepEqual(asked, ["/v1/traces", "/v1/traces", "/v1/traces"]);
    const said = records(lines).map(({ level, msg }) => `${level} ${msg}`);
    assert.deepEqual(said, ["warn spans are lost", "warn the last spans were not sent"]);
  });
});
