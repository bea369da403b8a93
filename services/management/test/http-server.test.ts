import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:https";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, RecordingMetrics, readThrough, SecretFolder, withDeadline } from "@shadowfleet/testkit";
import { type Door, DoorError } from "../src/http/door.ts";
import type { HttpLimits } from "../src/http/http-limits.ts";
import { httpSchema, readHttp } from "../src/http/http-schema.ts";
import { HttpServer } from "../src/http/http-server.ts";
import { startHttp, TOKENS } from "./http-fixture.ts";
import { managementConfig } from "./management-fixture.ts";

/** One door with one of everything. */
const DOOR: Door = {
  name: "sip008",
  routes: (server) => {
    server.get("/found", async () => ({ found: true }));
    server.get("/missing", async () => {
      throw new DoorError({ httpStatus: 404, code: "not_found", message: "nothing" });
    });
    server.get("/bug", async () => {
      throw new Error("PLANTED-SECRET");
    });
    server.post("/body", async ({ body }) => body);
    server.get("/slow", async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return "slow";
    });
  },
  errorBody: ({ code, message }) => ({ code, message }),
};

async function startServer(limits: Partial<HttpLimits> = {}, input: object = {}) {
  const metrics = new RecordingMetrics();
  const log = createMemoryLogger();
  const config = readHttp(httpSchema.parse({ enabled: true, port: 0, ...input }), true, false, []);
  const server = new HttpServer(config, true, { logger: log.logger, metrics, clock: systemClock, limits });
  server.addDoor(DOOR);
  await server.start();
  return { server, metrics, log, url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.drain(0) };
}

describe("HTTP server", () => {
  it("sends security headers with every answer, and clear errors", async () => {
    await using fixture = await startServer();
    const { url, metrics, log } = fixture;
    for (const [path, status, body] of [
      ["/found", 200, { found: true }],
      ["/missing", 404, { code: "not_found", message: "nothing" }],
      ["/nowhere", 404, { code: "not_found", message: "there is nothing here" }],
      ["/bug", 500, { code: "internal", message: "internal error, see the log of the process that answered" }],
    ] as const) {
      const response = await fetch(`${url}${path}`);
      assert.equal(response.status, status);
      assert.deepEqual(await response.json(), body);
      assert.match(response.headers.get("content-security-policy") ?? "", /^default-src 'self';/);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.equal(response.headers.get("referrer-policy"), "no-referrer");
      assert.equal(response.headers.get("access-control-allow-origin"), null);
    }
    assert.equal(metrics.total("http.server.requests", { door: "sip008", "http.response.status_code": "200" }), 1);
    assert.equal(metrics.total("http.server.requests", { door: "none", "http.response.status_code": "404" }), 1);
    assert.deepEqual(
      log.lines.map(({ level, route }) => [level, route]),
      [["error", "/bug"]],
    );
  });

  it("limits bodies, heads, connections of an address, and how long a head may take", async () => {
    await using fixture = await startServer({ bodyBytes: 1_000, headerBytes: 2_000, maxConnectionsPerAddress: 3, headTimeoutMs: 200 });
    const { server, url, metrics } = fixture;
    const post = (text: string) => fetch(`${url}/body`, { method: "POST", headers: { "content-type": "application/json" }, body: text });
    assert.equal((await post(JSON.stringify("a".repeat(100)))).status, 200);
    assert.equal((await post(JSON.stringify("a".repeat(2_000)))).status, 413);
    assert.equal((await fetch(`${url}/found`, { headers: { "x-long": "a".repeat(4_000) } })).status, 431);

    const half = connect(server.port, "127.0.0.1");
    half.write("GET /found HTTP/1.1\r\n");
    const answer = await readThrough(half, "\r\n", 30_000, "the slow head is given up");
    assert.match(answer.toString(), /^HTTP\/1\.1 408/);

    const sockets = Array.from({ length: 5 }, () => connect(server.port, "127.0.0.1").on("error", () => {}));
    await eventually("what is too many is closed", () => sockets.filter(({ closed }) => closed).length >= 2);
    assert.ok(metrics.total("http.server.limits.broken", { limit: "connections" }) >= 2);
    for (const socket of sockets) socket.destroy();
  });

  it("lets an address guess only so often", async () => {
    await using fixture = await startServer({ strangerBurst: 5, strangerRate: 0.001 });
    const { url, metrics } = fixture;
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) statuses.push((await fetch(`${url}/missing`)).status);
    assert.deepEqual(statuses, [404, 404, 404, 404, 404, 429, 429]);
    assert.equal((await fetch(`${url}/found`)).headers.get("retry-after"), "1");
    assert.equal(metrics.total("http.server.limits.broken", { limit: "refusals" }), 3);
  });

  it("counts by the client's address behind a proxy it trusts, and by the proxy's otherwise", async () => {
    const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
    const burst = { strangerBurst: 1, strangerRate: 0.001 };
    await using trusting = await startServer(burst, { trustedProxies: ["127.0.0.0/8"] });
    await fetch(`${trusting.url}/missing`, from("192.0.2.1"));
    assert.equal((await fetch(`${trusting.url}/found`, from("192.0.2.1"))).status, 429);
    assert.equal((await fetch(`${trusting.url}/found`, from("192.0.2.2"))).status, 200);
    await using other = await startServer(burst);
    await fetch(`${other.url}/missing`, from("192.0.2.1"));
    assert.equal((await fetch(`${other.url}/found`, from("192.0.2.2"))).status, 429);
  });

  it("finishes what runs when it drains, and takes nothing new", async () => {
    await using fixture = await startServer();
    const running = fetch(`${fixture.url}/slow`);
    await eventually("the request is there", async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return true;
    });
    const drained = fixture.server.drain(5_000);
    assert.equal(await (await running).text(), "slow");
    await withDeadline(drained, 4_000, "the drain ends with the last request");
    await assert.rejects(fetch(`${fixture.url}/found`));
  });

  it("takes up a renewed certificate with the next connection", async () => {
    using secrets = new SecretFolder();
    secrets.authority("ca");
    const input = (name: string) => ({ tls: secrets.certificate(name, "ca") });
    await using fixture = await startServer({}, input("first"));
    const nameOf = async (): Promise<unknown> => {
      const request = get({ host: "127.0.0.1", port: fixture.server.port, path: "/found", ca: secrets.read("ca.crt"), agent: false });
      const [response] = await once(request, "response");
      const { subject } = response.socket.getPeerCertificate();
      response.resume();
      return subject.CN;
    };
    assert.equal(await nameOf(), "first");
    fixture.server.reload(readHttp(httpSchema.parse({ enabled: true, ...input("second") }), true, false, []), true);
    assert.equal(await nameOf(), "second");
  });
});

describe("HTTP of management", () => {
  it("is off unless asked for, and without tokens answers to names of this machine alone", async () => {
    assert.equal(managementConfig().http.enabled, false);
    await using fleet = await startHttp({ config: { grpc: { port: 0 } } });
    const status = async (host: string): Promise<number> => {
      const socket = connect(fleet.app.address.httpPort, "127.0.0.1");
      socket.write(`GET /sip008/x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      return Number((await readThrough(socket, "\r\n", 10_000, "an answer")).toString().split(" ")[1]);
    };
    for (const host of ["localhost:9191", "127.0.0.1", "[::1]:9191"]) assert.equal(await status(host), 404, host);
    for (const host of ["evil.example", "127.0.0.1.evil.example", "evil.example:9191", ""]) assert.equal(await status(host), 421, host);
  });

  it("ends streams and goes when management drains", async () => {
    const fleet = await startHttp();
    const headers = { "content-type": "application/json", authorization: `Bearer ${TOKENS.viewer}` };
    const response = await fetch(`${fleet.url}/shadowfleet.v1.TrafficService/WatchTraffic`, { method: "POST", headers, body: "{}" });
    const text = response.text();
    await withDeadline(Promise.resolve(fleet[Symbol.asyncDispose]()), 10_000, "the drain ends");
    assert.match(await text, /"error":\{"code":"unavailable"/);
    await assert.rejects(fetch(`${fleet.url}/console/`));
  });

  it("says everything that is wrong with its configuration", () => {
    const problems = (http: object): string[] => {
      try {
        managementConfig({ http: { enabled: true, ...http }, store: { type: "sqlite", path: "/nowhere/x.sqlite" } });
        return [];
      } catch (error) {
        return (error as { problems: { path: string }[] }).problems.map(({ path }) => path);
      }
    };
    assert.deepEqual(problems({ host: "0.0.0.0" }), ["http.tls", "grpc.tokens", "http.linkSecretFile"]);
    assert.deepEqual(problems({ doors: { sip008: false } }), []);
    assert.deepEqual(problems({ linkSecretFile: "/nowhere/secret", tls: { certFile: "/nowhere/c", keyFile: "/nowhere/k" } }), [
      "http.tls.certFile",
      "http.tls.keyFile",
      "http.linkSecretFile",
    ]);
    assert.deepEqual(problems({ publicUrl: "ftp://x", trustedProxies: ["10.0.0.0/33"] }), ["http.publicUrl", "http.trustedProxies[0]"]);
  });
});
