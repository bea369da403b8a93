import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import { FleetError, systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, RecordingMetrics } from "@shadowfleet/testkit";
import {
  type CallContext,
  type CallFailure,
  ControlServer,
  controlChannel,
  FleetServiceClient,
  type FleetServiceServer,
  FleetServiceService,
  fromServiceError,
  type GetFleetResponse,
  Handlers,
  insecureServerCredentials,
  type ResponseStream,
  TrafficServiceClient,
  TrafficServiceService,
  telemetryInterceptor,
  type WatchTrafficResponse,
} from "../src/index.ts";

type Serve = (context: CallContext) => Promise<GetFleetResponse>;
type Stream = (stream: ResponseStream<WatchTrafficResponse>, context: CallContext) => Promise<void>;

const EMPTY: GetFleetResponse = { revision: 0n, members: [], version: "", conflicts: [], storeAvailable: true };

/** A server whose one unary and one streaming method do what the test says. */
async function startServer(serve: Serve, stream: Stream = async () => {}) {
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const server = new ControlServer({
    host: "127.0.0.1",
    port: 0,
    credentials: insecureServerCredentials(),
    interceptors: [telemetryInterceptor({ logger: log.logger, metrics, clock: systemClock })],
  });
  const handlers = new Handlers({ logger: log.logger, stopping: server.stopping });
  const nothing = handlers.unary(async () => ({}) as never);
  const fleet: FleetServiceServer = { getFleet: handlers.unary((_request, context) => serve(context)), drainMember: nothing };
  server.addService(FleetServiceService, fleet);
  const watchTraffic = handlers.serverStream((_request, responses: ResponseStream<WatchTrafficResponse>, context) =>
    stream(responses, context),
  );
  const unused = { getTraffic: nothing, listTraffic: nothing, listTrafficBuckets: nothing, resetTraffic: nothing };
  server.addService(TrafficServiceService, { ...unused, watchTraffic });
  await server.start();
  const { address, credentials, options } = controlChannel({ address: `127.0.0.1:${server.port}` });
  const client = new FleetServiceClient(address, credentials, options);
  const traffic = new TrafficServiceClient(address, credentials, options);
  const getFleet = (deadlineMs = 5_000): Promise<GetFleetResponse | CallFailure> =>
    new Promise((resolve) => {
      client.getFleet({}, new Metadata(), { deadline: Date.now() + deadlineMs }, (error, response) =>
        resolve(error ? fromServiceError(error) : response),
      );
    });
  const close = async (): Promise<void> => {
    client.close();
    traffic.close();
    await server.drain(100);
  };
  return { log, metrics, server, getFleet, traffic, [Symbol.asyncDispose]: close };
}

describe("unary handlers", () => {
  it("answer, and are measured", async () => {
    await using bench = await startServer(async () => EMPTY);
    assert.deepEqual(await bench.getFleet(), EMPTY);
    const labels = { "rpc.method": "shadowfleet.v1.FleetService/GetFleet", "rpc.status_code": "OK" };
    assert.equal(bench.metrics.recorded("rpc.server.call.duration.seconds", labels).length, 1);
  });

  it("turn a fleet error into its status, with one log line at its level", async () => {
    await using bench = await startServer(async () => {
      throw new FleetError("STORE_UNAVAILABLE", "away");
    });
    const failure = (await bench.getFleet()) as CallFailure;
    assert.deepEqual([failure.code, failure.status, failure.message], ["STORE_UNAVAILABLE", "UNAVAILABLE", "away"]);
    const lines = bench.log.lines.filter(({ code }) => code === "STORE_UNAVAILABLE");
    assert.deepEqual(
      lines.map(({ level, method }) => [level, method]),
      [["error", "shadowfleet.v1.FleetService/GetFleet"]],
    );
  });

  it("log a bug with its stack and tell the client nothing of it", async () => {
    await using bench = await startServer(async () => {
      throw new RangeError("the inside of the process");
    });
    const failure = (await bench.getFleet()) as CallFailure;
    assert.deepEqual([failure.code, failure.status], ["INTERNAL", "INTERNAL"]);
    assert.ok(!failure.message.includes("inside"));
    assert.ok(bench.log.lines.some(({ msg, level }) => level === "error" && /a bug, please report it/.test(msg ?? "")));
    assert.ok(bench.log.text.includes("the inside of the process"));
  });

  it("know the deadline, are told when it passed, and it is counted as such", async () => {
    let context: CallContext | undefined;
    await using bench = await startServer(async (given) => {
      context = given;
      await new Promise((resolve) => given.signal.addEventListener("abort", resolve));
      return EMPTY;
    });
    const failure = (await bench.getFleet(100)) as CallFailure;
    assert.equal(failure.status, "DEADLINE_EXCEEDED");
    await eventually("the handler hears of it", () => context?.signal.aborted === true);
    assert.ok(Math.abs(context!.deadlineMs - Date.now()) < 1_000);
    await eventually("it is counted", () => {
      return bench.metrics.recorded("rpc.server.call.duration.seconds", { "rpc.status_code": "DEADLINE_EXCEEDED" }).length === 1;
    });
  });
});

describe("a drain", () => {
  it("cuts at its deadline what does not end", async () => {
    await using bench = await startServer(() => new Promise(() => {}));
    const stuck = bench.getFleet(60_000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = performance.now();
    await bench.server.drain(200);
    // A client that is left alone notices by its keepalive, after more than this.
    assert.ok(performance.now() - began < 5_000);
    assert.notDeepEqual(await stuck, EMPTY);
  });
});

describe("streaming handlers", () => {
  const message = (bytes: number): WatchTrafficResponse => ({
    rates: [
      {
        traffic: { subject: "x".repeat(bytes), total: undefined, sinceReset: undefined, resetTime: undefined },
        upBytesPerSecond: 0,
        downBytesPerSecond: 0,
      },
    ],
  });
  const request = { accessKeyId: "", interval: undefined };

  it("wait for a client that does not read", async () => {
    let sent = 0;
    await using bench = await startServer(
      async () => EMPTY,
      async (stream, { signal }) => {
        while (!signal.aborted && sent < 10_000) {
          await stream.send(message(100_000));
          sent++;
        }
      },
    );
    const stream = bench.traffic.watchTraffic(request);
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("data", resolve));
    stream.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const held = sent;
    assert.ok(held < 200, `${held} messages of 100 kB for a client that reads none`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(sent, held);
    stream.cancel();
  });

  it("are told when the client leaves, and end by themselves", async () => {
    let isOver = false;
    await using bench = await startServer(
      async () => EMPTY,
      async (stream, { signal }) => {
        await stream.send(message(1));
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        isOver = true;
      },
    );
    const stream = bench.traffic.watchTraffic(request);
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("data", resolve));
    stream.cancel();
    await eventually("the handler hears of it", () => isOver);
  });

  it("end with SERVER_STOPPING when the server drains", async () => {
    await using bench = await startServer(
      async () => EMPTY,
      async (stream, { signal }) => {
        await stream.send(message(1));
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    );
    const stream = bench.traffic.watchTraffic(request);
    const failed = new Promise<CallFailure>((resolve) => stream.on("error", (error) => resolve(fromServiceError(error as never))));
    await new Promise((resolve) => stream.once("data", resolve));
    const startedAt = performance.now();
    await bench.server.drain(5_000);
    assert.ok(performance.now() - startedAt < 1_000, "it does not wait for streams");
    assert.deepEqual([(await failed).code, (await failed).status], ["SERVER_STOPPING", "UNAVAILABLE"]);
  });

  it("fail as unary ones do", async () => {
    await using bench = await startServer(
      async () => EMPTY,
      async () => {
        throw new FleetError("STORE_UNAVAILABLE", "away");
      },
    );
    const stream = bench.traffic.watchTraffic(request);
    stream.resume();
    const failed = await new Promise<CallFailure>((resolve) => stream.on("error", (error) => resolve(fromServiceError(error as never))));
    assert.equal(failed.code, "STORE_UNAVAILABLE");
  });
});
