import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { Metadata, status } from "@grpc/grpc-js";
import { systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, RecordingMetrics, withDeadline } from "@shadowfleet/testkit";
import {
  Access,
  accessToken,
  authInterceptor,
  ControlServer,
  type ControlServerOptions,
  controlChannel,
  FleetServiceClient,
  FleetServiceService,
  fromServiceError,
  type GetFleetResponse,
  Handlers,
  insecureServerCredentials,
  telemetryInterceptor,
} from "../src/index.ts";
import {
  CONTINUATION,
  callHeaders,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  grpcMessage,
  HEADERS,
  PING,
  RawHttp2,
  RST_STREAM,
  SETTINGS,
} from "./raw-http2.ts";

const GET_FLEET = "/shadowfleet.v1.FleetService/GetFleet";
const HEALTH_CHECK = "/grpc.health.v1.Health/Check";
const HEALTH_WATCH = "/grpc.health.v1.Health/Watch";
const TOKEN = "the-token-of-this-test";
const ENHANCE_YOUR_CALM = 11;
const REFUSED_STREAM = 7;
const EMPTY: GetFleetResponse = { revision: 0n, members: [], version: "", conflicts: [], storeAvailable: true };

/** A server with tokens whose GetFleet answers `version`, and an honest client of it. */
async function start(limits: ControlServerOptions["limits"] = {}, version: () => string = () => "") {
  const metrics = new RecordingMetrics();
  const { logger } = createMemoryLogger();
  let served = 0;
  const server = new ControlServer({
    ...{ host: "127.0.0.1", port: 0, credentials: insecureServerCredentials(), metrics, limits },
    interceptors: [
      telemetryInterceptor({ logger, metrics, clock: systemClock }),
      authInterceptor(new Access([accessToken("ops", "admin", TOKEN)])),
    ],
  });
  const handlers = new Handlers({ logger, stopping: server.stopping });
  const getFleet = handlers.unary(async () => {
    served++;
    return { ...EMPTY, version: version() };
  });
  server.addService(FleetServiceService, { getFleet, drainMember: handlers.unary(async () => ({})) });
  await server.start();
  const { address, credentials, options } = controlChannel({ address: `127.0.0.1:${server.port}`, token: TOKEN });
  const client = new FleetServiceClient(address, credentials, options);
  const call = (request: object = {}): Promise<string> =>
    new Promise((resolve) => {
      const deadline = Date.now() + 20_000;
      client.getFleet(request as never, new Metadata(), { deadline }, (error) => resolve(error ? fromServiceError(error).status : "OK"));
    });
  const close = async (): Promise<void> => {
    client.close();
    await server.drain(100);
  };
  const broken = (limit: string): number => metrics.total("rpc.server.limits.broken", { limit });
  return { port: server.port, call, broken, served: () => served, [Symbol.asyncDispose]: close };
}

const closes = (client: RawHttp2, what: string): Promise<unknown> => withDeadline(client.closed, 20_000, what);
const call = (stream: number, path: string, flags = 0, more = {}): Buffer =>
  frame(HEADERS, END_HEADERS | flags, stream, callHeaders(path, more));
/** Of the trailers-only answer, which grpc-js always sends as a plain or Huffman coded block: an answer is a HEADERS frame that ends the stream. */
const answered = (client: RawHttp2, stream: number): boolean =>
  client.ofType(HEADERS).some((answer) => answer.stream === stream && (answer.flags & END_STREAM) !== 0);

describe("connections", () => {
  it("that say nothing, or begin and stop, are cut", async () => {
    await using server = await start({ openingTimeoutMs: 300 });
    using silent = await RawHttp2.open(server.port, false);
    using halting = await RawHttp2.open(server.port, false);
    halting.write(Buffer.from("PRI * HTTP/2.0\r\n"));
    await Promise.all([closes(silent, "the silent one's end"), closes(halting, "the halting one's end")]);
    assert.equal(server.broken("opening"), 2);
    assert.equal(await server.call(), "OK");
  });

  it("that speak something else are cut", async () => {
    await using server = await start();
    using browser = await RawHttp2.open(server.port, false);
    browser.write(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    await closes(browser, "the browser's end");
  });

  it("without a call end when they have been idle", async () => {
    await using server = await start({ idleTimeoutMs: 300 });
    using idle = await RawHttp2.open(server.port);
    await closes(idle, "the idle one's end");
    assert.ok(idle.goaway, "it is told");
  });

  it("beyond the cap are closed at once, and served again when others left", async () => {
    await using server = await start({ maxConnections: 4 });
    const held = await Promise.all(Array.from({ length: 4 }, () => RawHttp2.open(server.port)));
    await eventually("four sessions", () => held.every(({ frames }) => frames.length > 0), 10_000);
    using more = await RawHttp2.open(server.port);
    await closes(more, "the fifth one's end");
    assert.deepEqual([more.frames.length, server.broken("connections")], [0, 1]);
    held[0]![Symbol.dispose]();
    await eventually("an honest call", async () => (await server.call()) === "OK", 15_000);
    for (const client of held) client[Symbol.dispose]();
  });

  it("of one address have a share of the cap", async () => {
    await using server = await start({ maxConnections: 100, maxConnectionsPerAddress: 3 });
    const held = await Promise.all(Array.from({ length: 3 }, () => RawHttp2.open(server.port)));
    await eventually("three sessions", () => held.every(({ frames }) => frames.length > 0), 10_000);
    using more = await RawHttp2.open(server.port);
    await closes(more, "the fourth one's end");
    assert.equal(server.broken("connections"), 1);
    for (const client of held) client[Symbol.dispose]();
    await eventually("an honest call", async () => (await server.call()) === "OK", 15_000);
  });
});

describe("floods of frames", () => {
  it("pings beyond keepalive's get GOAWAY with ENHANCE_YOUR_CALM, and others are served meanwhile", async () => {
    await using server = await start({ pingBurst: 100, pingRate: 1 });
    using patient = await RawHttp2.open(server.port);
    patient.write(...Array.from({ length: 90 }, () => frame(PING, 0, 0, Buffer.alloc(8))));
    await eventually("answers to pings", () => patient.ofType(PING).length === 90, 10_000);
    using flooding = await RawHttp2.open(server.port);
    flooding.write(...Array.from({ length: 20_000 }, () => frame(PING, 0, 0, Buffer.alloc(8))));
    assert.equal(await server.call(), "OK");
    await closes(flooding, "the flooding one's end");
    const [first] = flooding.ofType(GOAWAY);
    assert.deepEqual([first?.payload.readUInt32BE(4), first?.payload.subarray(8).toString()], [ENHANCE_YOUR_CALM, "too_many_pings"]);
    assert.ok(flooding.ofType(PING).length <= 110, `${flooding.ofType(PING).length} pings were answered`);
    assert.deepEqual([server.broken("pings"), patient.goaway], [1, undefined]);
  });

  it("calls that are reset at once end the connection, and most never reach a handler", async () => {
    await using server = await start();
    using resetting = await RawHttp2.open(server.port);
    const more = { authorization: `Bearer ${TOKEN}` };
    const cancelled = Array.from({ length: 10_000 }, (_, index) => [
      call(2 * index + 1, GET_FLEET, 0, more),
      frame(RST_STREAM, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8])),
    ]);
    resetting.write(...cancelled.flat());
    await closes(resetting, "the resetting one's end");
    assert.ok(resetting.goaway, "it is told");
    assert.equal(await server.call(), "OK");
    assert.ok(server.served() < 2_000, `${server.served()} calls were served`);
  });

  it("calls without a token, again and again, end the connection", async () => {
    await using server = await start({ strangerBurst: 50, strangerRate: 1 });
    using guessing = await RawHttp2.open(server.port);
    const guess = (index: number) => call(2 * index + 1, GET_FLEET, END_STREAM, { authorization: `Bearer guess-${index}` });
    for (let index = 0; index < 60; index++) {
      guessing.write(guess(index));
      await wait(1);
    }
    await closes(guessing, "the guessing one's end");
    assert.deepEqual([guessing.goaway?.code, server.broken("refusals"), server.served()], [ENHANCE_YOUR_CALM, 1, 0]);
    using again = await RawHttp2.open(server.port);
    again.write(guess(0));
    again.write(guess(1));
    await closes(again, "the end of its next connection");
    assert.equal(await server.call(), "OK", "who has a token is served, from the same address too");
  });

  it("health checks, again and again, end the connection, calls with a token do not", async () => {
    await using server = await start({ strangerBurst: 50, strangerRate: 1 });
    using asking = await RawHttp2.open(server.port);
    for (let index = 0; index < 60; index++) {
      const stream = 2 * index + 1;
      asking.write(call(stream, HEALTH_CHECK), frame(DATA, END_STREAM, stream, grpcMessage(Buffer.alloc(0))));
      await wait(1);
    }
    await closes(asking, "the asking one's end");
    assert.equal(server.broken("open-calls"), 1);
    for (let index = 0; index < 120; index++) assert.equal(await server.call(), "OK");
  });

  it("headers that never end are cut after a few pieces", async () => {
    await using server = await start();
    using dribbling = await RawHttp2.open(server.port);
    dribbling.write(frame(HEADERS, 0, 1, callHeaders(HEALTH_CHECK)));
    for (let piece = 0; piece < 200 && !dribbling.socket.destroyed; piece++) {
      dribbling.write(frame(CONTINUATION, 0, 1, Buffer.from([0, 1, 0x78, 1, 0x79])));
      await wait(1);
    }
    await closes(dribbling, "the dribbling one's end");
    assert.ok(dribbling.goaway, "it is told");
  });

  it("settings that are sent again and again do not keep others from being served", async () => {
    await using server = await start();
    using flooding = await RawHttp2.open(server.port);
    flooding.socket.pause();
    flooding.write(...Array.from({ length: 50_000 }, () => frame(SETTINGS, 0, 0)));
    assert.equal(await server.call(), "OK");
    flooding.socket.resume();
    await closes(flooding, "the flooding one's end");
  });
});

describe("calls", () => {
  it("of one connection are limited, and say so in the settings", async () => {
    await using server = await start({ maxCalls: 10 });
    using greedy = await RawHttp2.open(server.port);
    const body = frame(DATA, END_STREAM, 1, grpcMessage(Buffer.alloc(0)));
    for (let index = 0; index < 15; index++) {
      const stream = 2 * index + 1;
      body.writeUInt32BE(stream, 5);
      greedy.write(call(stream, HEALTH_WATCH), Buffer.from(body));
    }
    await eventually("refusals", () => greedy.ofType(RST_STREAM).length === 5, 10_000);
    assert.deepEqual(new Set(greedy.ofType(RST_STREAM).map(({ payload }) => payload.readUInt32BE())), new Set([REFUSED_STREAM]));
    const [settings] = greedy.ofType(SETTINGS);
    const pairs = Array.from({ length: settings!.payload.length / 6 }, (_, at) => settings!.payload.subarray(6 * at, 6 * at + 6));
    assert.ok(
      pairs.some((pair) => pair.readUInt16BE() === 3 && pair.readUInt32BE(2) === 10),
      "SETTINGS_MAX_CONCURRENT_STREAMS",
    );
  });

  it("without a token are answered before anything is read, and hold no place when the client does not end them", async () => {
    await using server = await start({ maxCalls: 5, lingerMs: 200 });
    using stranger = await RawHttp2.open(server.port);
    for (let index = 0; index < 5; index++) stranger.write(call(2 * index + 1, GET_FLEET));
    await eventually("refusals", () => [1, 3, 5, 7, 9].every((stream) => answered(stranger, stream)), 10_000);
    await eventually("the places to be free", () => stranger.ofType(RST_STREAM).length === 5, 10_000);
    stranger.write(call(11, HEALTH_CHECK), frame(DATA, END_STREAM, 11, grpcMessage(Buffer.alloc(0))));
    await eventually("a sixth answer", () => answered(stranger, 11), 10_000);
    assert.equal(server.served(), 0);
  });

  it("that ask for no token are few at a time, over all connections", async () => {
    await using server = await start({ openCalls: 10 });
    const clients = await Promise.all(Array.from({ length: 3 }, () => RawHttp2.open(server.port)));
    for (const client of clients)
      for (const stream of [1, 3, 5, 7])
        client.write(call(stream, HEALTH_WATCH), frame(DATA, END_STREAM, stream, grpcMessage(Buffer.alloc(0))));
    await eventually("the eleventh and twelfth to be cut", () => server.broken("open-calls") === 2, 10_000);
    assert.equal(await server.call(), "OK", "calls with a token are not concerned");
    for (const client of clients) client[Symbol.dispose]();
  });

  it("that ask for no token may send little each and little in all", async () => {
    await using server = await start({ openCallBytes: 10_000, openCallsBytes: 30_000 });
    using client = await RawHttp2.open(server.port);
    const chunk = (stream: number, length: number): Buffer => frame(DATA, 0, stream, grpcMessage(Buffer.alloc(length), 1_000_000));
    client.write(call(1, HEALTH_CHECK), chunk(1, 9_000), frame(DATA, 0, 1, Buffer.alloc(2_000)));
    await eventually("the first to be cut", () => server.broken("open-calls") === 1, 10_000);
    for (const stream of [3, 5, 7, 9, 11]) client.write(call(stream, HEALTH_CHECK), chunk(stream, 9_000));
    await eventually("those beyond the sum to be cut", () => server.broken("open-calls") === 3, 10_000);
    await eventually("three to be told", () => client.ofType(RST_STREAM).length === 3, 10_000);
    const codes = client.ofType(RST_STREAM).map(({ payload }) => payload.readUInt32BE());
    assert.deepEqual(codes, [ENHANCE_YOUR_CALM, ENHANCE_YOUR_CALM, ENHANCE_YOUR_CALM]);
    client[Symbol.dispose]();
    using later = await RawHttp2.open(server.port);
    await wait(100);
    later.write(call(1, HEALTH_CHECK), chunk(1, 9_000));
    await wait(200);
    assert.equal(server.broken("open-calls"), 3, "what ended no longer counts");
  });
});

describe("messages", () => {
  const code = async (server: { readonly port: number }, body: Buffer, more: Readonly<Record<string, string>> = {}): Promise<number> => {
    const { connect } = await import("node:http2");
    const session = connect(`http://127.0.0.1:${server.port}`);
    const headers = {
      ":method": "POST",
      ":path": GET_FLEET,
      "content-type": "application/grpc",
      authorization: `Bearer ${TOKEN}`,
      ...more,
    };
    const { promise, resolve } = Promise.withResolvers<number>();
    const stream = session.request(headers);
    stream.on("response", (answer) => answer["grpc-status"] !== undefined && resolve(Number(answer["grpc-status"])));
    stream.on("trailers", (trailers) => resolve(Number(trailers["grpc-status"])));
    stream.on("error", () => {}).resume();
    stream.end(body);
    try {
      return await withDeadline(promise, 20_000, "a status");
    } finally {
      session.destroy();
    }
  };

  it("larger than allowed are refused, whether they come or only claim to", async () => {
    await using server = await start({ maxRequestBytes: 100_000 });
    assert.equal(await code(server, grpcMessage(Buffer.alloc(0))), status.OK);
    assert.equal(await code(server, grpcMessage(Buffer.alloc(100_001))), status.RESOURCE_EXHAUSTED);
    assert.equal(await code(server, grpcMessage(Buffer.alloc(10), 0xffff_ffff)), status.RESOURCE_EXHAUSTED);
    assert.equal(server.served(), 1);
  });

  it("that unpack to more than allowed are refused", async () => {
    await using server = await start();
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    assert.ok(bomb.length < 400_000, "it is small on the way");
    const rss = process.memoryUsage.rss();
    assert.equal(await code(server, grpcMessage(bomb, bomb.length, true), { "grpc-encoding": "gzip" }), status.RESOURCE_EXHAUSTED);
    assert.ok(process.memoryUsage.rss() - rss < 150 * 1024 * 1024, "and was not unpacked whole");
    assert.equal(server.served(), 0);
  });

  it("of ours larger than allowed are not sent", async () => {
    await using server = await start({ maxResponseBytes: 1_000 }, () => "x".repeat(2_000));
    assert.equal(await server.call(), "RESOURCE_EXHAUSTED");
  });
});
