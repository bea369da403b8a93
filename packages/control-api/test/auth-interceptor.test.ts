import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { describe, it, mock } from "node:test";
import { type ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { createMemoryLogger, eventually, withDeadline } from "@shadowfleet/testkit";
import {
  Access,
  type AccessToken,
  accessToken,
  authInterceptor,
  ControlServer,
  controlChannel,
  fromServiceError,
  Handlers,
  insecureServerCredentials,
  TrafficServiceClient,
  TrafficServiceService,
  WatchTrafficRequest,
  WatchTrafficResponse,
} from "../src/index.ts";

const LIST = "/shadowfleet.v1.PortService/ListPorts";
const WATCH = WatchTrafficRequest.fromPartial({});
const EYES = accessToken("eyes", "viewer", "viewer-token");
const OTHER = accessToken("other", "viewer", "another-token");

/** A server with streams that go on until somebody ends them. */
async function start(tokens: readonly AccessToken[] | undefined) {
  const access = new Access(tokens);
  const ended: string[] = [];
  const server = new ControlServer({
    ...{ host: "127.0.0.1", port: 0, credentials: insecureServerCredentials() },
    interceptors: [authInterceptor(access)],
  });
  const handlers = new Handlers({ logger: createMemoryLogger().logger, stopping: server.stopping });
  const nothing = handlers.unary(async () => ({}) as never);
  const watchTraffic = handlers.serverStream<WatchTrafficRequest, WatchTrafficResponse>(async (_request, stream, { caller, signal }) => {
    await stream.send(WatchTrafficResponse.fromPartial({}));
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    ended.push(caller.name);
  });
  server.addService(TrafficServiceService, {
    ...{ getTraffic: nothing, listTraffic: nothing, listTrafficBuckets: nothing, resetTraffic: nothing },
    watchTraffic,
  });
  await server.start();
  const clients: TrafficServiceClient[] = [];
  const watch = async (token?: string) => {
    const { address, credentials, options } = controlChannel({
      address: `127.0.0.1:${server.port}`,
      ...(token === undefined ? {} : { token }),
    });
    const client = new TrafficServiceClient(address, credentials, options);
    clients.push(client);
    const stream = client.watchTraffic(WATCH, new Metadata());
    const status = statusOf(stream);
    await Promise.race([status, new Promise((resolve) => stream.once("data", resolve))]);
    return { stream, status };
  };
  const close = async (): Promise<void> => {
    for (const client of clients) client.close();
    await server.drain(100);
  };
  return { access, ended, watch, [Symbol.asyncDispose]: close };
}

function statusOf(stream: ClientReadableStream<unknown>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  stream.on("error", (error) => resolve(fromServiceError(error as never).status));
  return withDeadline(promise, 10_000, "the end of the stream");
}

describe("a token taken back", () => {
  it("ends the streams it had opened, and no others", async () => {
    await using bench = await start([EYES, OTHER]);
    const taken = await bench.watch("viewer-token");
    const kept = await bench.watch("another-token");
    bench.access.replace([OTHER]);
    assert.equal(await taken.status, "UNAUTHENTICATED");
    assert.deepEqual(bench.ended, ["eyes"]);
    kept.stream.cancel();
    assert.equal(await kept.status, "CANCELLED");
  });

  it("whose role no longer allows the method is refused as such", async () => {
    await using bench = await start([EYES]);
    const watching = await bench.watch("viewer-token");
    bench.access.replace([accessToken("eyes", "relay", "viewer-token")]);
    assert.equal(await watching.status, "PERMISSION_DENIED");
  });

  it("under another name keeps its streams", async () => {
    await using bench = await start([EYES]);
    const watching = await bench.watch("viewer-token");
    bench.access.replace([accessToken("renamed", "admin", "viewer-token"), OTHER]);
    const later = await bench.watch("another-token");
    later.stream.cancel();
    await eventually("the end of the other stream", () => bench.ended.includes("other"));
    assert.deepEqual(bench.ended, ["other"]);
    watching.stream.cancel();
    assert.equal(await watching.status, "CANCELLED");
  });

  it("where none was asked before, ends what came without", async () => {
    await using bench = await start(undefined);
    const anonymous = await bench.watch();
    bench.access.replace([EYES]);
    assert.equal(await anonymous.status, "UNAUTHENTICATED");
  });
});

describe("comparing tokens", () => {
  const access = new Access([accessToken("a", "viewer", "first-token"), EYES, OTHER]);

  it("takes the same steps whichever token matches, and whether one does: digests of one length, all of them", (t) => {
    const compare = mock.method(crypto, "timingSafeEqual");
    syncBuiltinESMExports();
    t.after(() => {
      compare.mock.restore();
      syncBuiltinESMExports();
    });
    for (const token of ["first-token", "viewer-token", "another-token", "nobody's", "x".repeat(10_000), "first-toke"]) {
      compare.mock.resetCalls();
      access.admit(LIST, `Bearer ${token}`);
      assert.deepEqual(
        compare.mock.calls.map(({ arguments: [known, shown] }) => [known.byteLength, shown.byteLength]),
        [
          [32, 32],
          [32, 32],
          [32, 32],
        ],
        token.slice(0, 20),
      );
    }
  });
});
