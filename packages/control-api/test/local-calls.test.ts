import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, RecordingMetrics } from "@shadowfleet/testkit";
import {
  Access,
  accessToken,
  type CallContext,
  FleetServiceService,
  Handlers,
  type LocalCall,
  LocalCallError,
  LocalCalls,
  RpcError,
  statusName,
  TrafficServiceService,
} from "../src/index.ts";

const VIEWER = "viewer-token-0123456789";
const { getFleet } = FleetServiceService;
const { watchTraffic } = TrafficServiceService;

function fixture() {
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const access = new Access([accessToken("viewer", "viewer", VIEWER)]);
  const stopping = new AbortController();
  const handlers = new Handlers({ logger: log.logger, stopping: stopping.signal });
  const calls = new LocalCalls({ access, metrics, logger: log.logger, clock: systemClock });
  return { access, stopping, handlers, calls, metrics };
}

function callWith(more: Partial<LocalCall> = {}): LocalCall {
  const signal = new AbortController().signal;
  return { authorization: `Bearer ${VIEWER}`, signal, deadlineMs: Infinity, peer: "127.0.0.1:1", server: {}, ...more };
}

async function statusOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof LocalCallError, String(error));
  return statusName(error.status.code);
}

const untilOver = ({ signal }: CallContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new RpcError("SERVER_STOPPING", "over"))));

describe("calls within the process", () => {
  it("reach the handler with who calls, or end as gRPC would end them", async () => {
    const { calls, handlers, metrics } = fixture();
    let caller = "";
    calls.addService(FleetServiceService, {
      getFleet: handlers.unary(async (_request, context) => {
        caller = context.caller.name;
        return { version: "1" } as never;
      }),
      drainMember: handlers.unary(async () => ({})),
    });
    assert.equal((await calls.unary(getFleet, {}, callWith())).version, "1");
    assert.equal(caller, "viewer");
    assert.equal(await statusOf(calls.unary(FleetServiceService.drainMember, { id: "" }, callWith())), "PERMISSION_DENIED");
    assert.equal(await statusOf(calls.unary(getFleet, {}, callWith({ authorization: undefined }))), "UNAUTHENTICATED");
    assert.equal(metrics.recorded("rpc.server.call.duration.seconds").length, 3);
  });

  it("end at the client's deadline and when the client goes away", async () => {
    const { calls, handlers } = fixture();
    const signals: AbortSignal[] = [];
    calls.addService(FleetServiceService, {
      getFleet: handlers.unary((_request, context) => {
        signals.push(context.signal);
        return untilOver(context);
      }),
    });
    assert.equal(await statusOf(calls.unary(getFleet, {}, callWith({ deadlineMs: Date.now() + 20 }))), "DEADLINE_EXCEEDED");
    const client = new AbortController();
    const call = calls.unary(getFleet, {}, callWith({ signal: client.signal }));
    client.abort();
    assert.equal(await statusOf(call), "CANCELLED");
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
  });

  it("stream with backpressure, until the consumer leaves", async () => {
    const { calls, handlers, metrics } = fixture();
    let sent = 0;
    calls.addService(TrafficServiceService, {
      watchTraffic: handlers.serverStream(async (_request, stream, { signal }) => {
        for (; !signal.aborted; sent++) await stream.send({ rates: [] });
      }),
    });
    let received = 0;
    for await (const _message of calls.stream(watchTraffic, {} as never, callWith())) if (++received === 100) break;
    await eventually(
      "the handler stops",
      () => metrics.recorded("rpc.server.call.duration.seconds", { "rpc.status_code": "CANCELLED" }).length === 1,
    );
    assert.ok(sent < 200, `${sent} sent while 100 were taken`);
  });

  it("end streams whose token is taken back, and all of them when the process stops", async () => {
    const { access, calls, handlers, stopping } = fixture();
    calls.addService(TrafficServiceService, {
      watchTraffic: handlers.serverStream(async (_request, stream, { signal }) => {
        await stream.send({ rates: [] });
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }),
    });
    const open = async (): Promise<AsyncGenerator> => {
      const stream = calls.stream(watchTraffic, {} as never, callWith());
      assert.equal((await stream.next()).done, false);
      return stream;
    };
    const first = await open();
    access.replace([accessToken("other", "viewer", "another-token-0123456789")]);
    assert.equal(await statusOf(first.next()), "UNAUTHENTICATED");
    access.replace([accessToken("viewer", "viewer", VIEWER)]);
    const second = await open();
    stopping.abort();
    assert.equal(await statusOf(second.next()), "UNAVAILABLE");
  });
});
