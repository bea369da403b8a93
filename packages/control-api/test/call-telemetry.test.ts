import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { trace } from "@opentelemetry/api";
import { FleetError, systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, RecordingMetrics, recordSpans, type SpanRecorder, type TracedSpan } from "@shadowfleet/testkit";
import {
  Access,
  accessToken,
  authInterceptor,
  ControlServer,
  connectFleet,
  FleetServiceService,
  type GetFleetResponse,
  Handlers,
  insecureServerCredentials,
  type ResponseStream,
  TrafficServiceService,
  telemetryInterceptor,
  type WatchTrafficResponse,
} from "../src/index.ts";

const GET_FLEET = "shadowfleet.v1.FleetService/GetFleet";
const WATCH = "shadowfleet.v1.TrafficService/WatchTraffic";
const EMPTY: GetFleetResponse = { revision: 0n, members: [], version: "", conflicts: [], storeAvailable: true };

interface Work {
  readonly unary?: () => Promise<void>;
  readonly stream?: (stream: ResponseStream<WatchTrafficResponse>) => Promise<void>;
  readonly access?: Access;
}

/** A server and a client of it, measured and traced on both sides. */
async function startPair({ unary = async () => {}, stream = async () => {}, access }: Work = {}) {
  const { logger } = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const received: Metadata[] = [];
  const listen: ServerInterceptor = (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            received.push(metadata.clone());
            pass(metadata);
          },
        }),
    });
  const server = new ControlServer({
    host: "127.0.0.1",
    port: 0,
    credentials: insecureServerCredentials(),
    interceptors: [listen, telemetryInterceptor({ logger, metrics, clock: systemClock }), ...(access ? [authInterceptor(access)] : [])],
  });
  const handlers = new Handlers({ logger, stopping: server.stopping });
  const nothing = handlers.unary(async () => ({}) as never);
  const getFleet = handlers.unary(() => unary().then(() => EMPTY));
  server.addService(FleetServiceService, { getFleet, drainMember: nothing });
  const watchTraffic = handlers.serverStream((_request, responses: ResponseStream<WatchTrafficResponse>) => stream(responses));
  const unused = { getTraffic: nothing, listTraffic: nothing, listTrafficBuckets: nothing, resetTraffic: nothing };
  server.addService(TrafficServiceService, { ...unused, watchTraffic });
  await server.start();
  const channel = connectFleet(
    { addresses: [{ host: "127.0.0.1", port: server.port }], tls: undefined, tokenFile: undefined },
    { metrics, clock: systemClock },
  );
  const call = (deadlineMs = 5_000): Promise<void> =>
    new Promise((resolve) => {
      channel.clients.fleet.getFleet({}, new Metadata(), { deadline: Date.now() + deadlineMs }, () => resolve());
    });
  return {
    metrics,
    received,
    port: server.port,
    call,
    clients: channel.clients,
    async [Symbol.asyncDispose]() {
      channel.close();
      await server.drain(100);
    },
  };
}

/** Both sides of each call, once both have ended. */
async function sides(recorder: SpanRecorder, name: string, count = 1): Promise<{ client: TracedSpan; server: TracedSpan }[]> {
  await eventually("both sides end", () => recorder.named(name).length === 2 * count);
  const clients = recorder.named(name).filter(({ kind }) => kind === "client");
  return clients.map((client) => {
    const server = recorder.named(name).find(({ kind, parentSpanId }) => kind === "server" && parentSpanId === client.spanId);
    assert.ok(server, "the server's span is a child of the client's");
    assert.equal(server.traceId, client.traceId);
    return { client, server };
  });
}

const inside = async (name: string): Promise<void> => {
  await wait(2);
  trace.getTracer("test").startSpan(name).end();
};

describe("calls", () => {
  it("have a span on each side, of one trace, with the attributes of the semantic conventions; what is done for them is below", async () => {
    await using recorder = await recordSpans();
    await using pair = await startPair({ unary: () => inside("store") });
    await pair.call();
    const [{ client, server } = assert.fail()] = await sides(recorder, GET_FLEET);
    const common = { "rpc.system.name": "grpc", "rpc.method": GET_FLEET, "rpc.status_code": "OK", "server.port": pair.port };
    assert.deepEqual(client.attributes, { ...common, "server.address": "127.0.0.1" });
    assert.deepEqual(server.attributes, { ...common, "server.address": "127.0.0.1" });
    assert.deepEqual([client.isError, server.isError, client.parentSpanId], [false, false, undefined]);
    const [store] = recorder.named("store");
    assert.deepEqual([store?.parentSpanId, store?.traceId], [server.spanId, server.traceId]);
  });

  it("that fail do so on the client's side, and on the server's where it is the server's fault", async () => {
    for (const [code, status, isServerFault] of [
      ["NOT_FOUND", "NOT_FOUND", false],
      ["STORE_UNAVAILABLE", "UNAVAILABLE", true],
    ] as const) {
      await using recorder = await recordSpans();
      await using pair = await startPair({ unary: () => Promise.reject(new FleetError(code, "no")) });
      await pair.call();
      const [{ client, server } = assert.fail()] = await sides(recorder, GET_FLEET);
      assert.deepEqual([client.isError, client.attributes["error.type"], client.attributes["rpc.status_code"]], [true, status, status]);
      assert.deepEqual([server.isError, server.attributes["error.type"]], [isServerFault, isServerFault ? status : undefined]);
      assert.equal(server.attributes["rpc.status_code"], status);
      assert.equal(
        pair.metrics.recorded("rpc.client.call.duration.seconds", { "rpc.method": GET_FLEET, "rpc.status_code": status }).length,
        1,
      );
    }
  });

  it("that come to their deadline are that on both sides", async () => {
    await using recorder = await recordSpans();
    let handlingMs = 0;
    await using pair = await startPair({ unary: () => wait(handlingMs) });
    // Or the deadline may pass before there is a connection, and the server knows nothing of the call.
    await pair.call();
    await sides(recorder, GET_FLEET);
    recorder.clear();
    handlingMs = 1_500;
    await pair.call(300);
    const [{ client, server } = assert.fail()] = await sides(recorder, GET_FLEET);
    assert.equal(client.attributes["rpc.status_code"], "DEADLINE_EXCEEDED");
    assert.equal(server.attributes["rpc.status_code"], "DEADLINE_EXCEEDED");
  });

  it("of many at a time keep to themselves", async () => {
    await using recorder = await recordSpans();
    let next = 0;
    await using pair = await startPair({ unary: () => inside(`store ${next++}`) });
    await Promise.all(Array.from({ length: 20 }, () => pair.call()));
    const calls = await sides(recorder, GET_FLEET, 20);
    assert.equal(new Set(calls.map(({ server }) => server.traceId)).size, 20);
    const parents = recorder.spans.filter(({ name }) => name.startsWith("store ")).map(({ parentSpanId }) => parentSpanId);
    assert.deepEqual(parents.sort(), calls.map(({ server }) => server.spanId).sort());
  });

  it("that are streams are one span, open as long as they are", async () => {
    await using recorder = await recordSpans();
    const message: WatchTrafficResponse = { rates: [] };
    await using pair = await startPair({
      stream: async (responses) => {
        for (let count = 0; count < 3; count++) {
          await responses.send(message);
          await inside("look");
        }
      },
    });
    let messages = 0;
    const stream = pair.clients.traffic.watchTraffic({ accessKeyId: "", interval: undefined });
    stream.on("data", () => messages++);
    await new Promise((resolve) => stream.once("end", resolve));
    const [{ client, server } = assert.fail()] = await sides(recorder, WATCH);
    assert.equal(messages, 3);
    assert.deepEqual(
      recorder.named("look").map(({ parentSpanId }) => parentSpanId),
      [server.spanId, server.spanId, server.spanId],
    );
    assert.ok(server.endMs - server.startMs >= 5, `${server.endMs - server.startMs} ms`);
    assert.equal(client.attributes["rpc.status_code"], "OK");
    assert.equal(pair.metrics.recorded("rpc.client.call.duration.seconds", { "rpc.method": WATCH, "rpc.status_code": "OK" }).length, 1);
  });

  it("that are refused for their token say so, and not the token", async () => {
    await using recorder = await recordSpans();
    const access = new Access([accessToken("operator", "admin", "right-token-0123456789")]);
    await using pair = await startPair({ access });
    const metadata = new Metadata();
    metadata.set("authorization", "Bearer wrong-token-0123456789");
    await new Promise<void>((resolve) => pair.clients.fleet.getFleet({}, metadata, () => resolve()));
    const [{ server } = assert.fail()] = await sides(recorder, GET_FLEET);
    assert.equal(server.attributes["rpc.status_code"], "UNAUTHENTICATED");
    assert.ok(!JSON.stringify(recorder.spans).includes("token-0123"));
  });

  it("carry nothing while nothing is traced, and are measured all the same", async () => {
    await using pair = await startPair();
    await pair.call();
    assert.equal(pair.received.length, 1);
    assert.deepEqual(pair.received[0]!.get("traceparent"), []);
    assert.equal(pair.metrics.recorded("rpc.client.call.duration.seconds", { "rpc.method": GET_FLEET, "rpc.status_code": "OK" }).length, 1);
    assert.equal(pair.metrics.recorded("rpc.server.call.duration.seconds", { "rpc.method": GET_FLEET, "rpc.status_code": "OK" }).length, 1);
  });
});
