import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";
import {
  blackHole,
  curlMissingReason,
  expectNoOpenHandles,
  holdClosedPort,
  openSocket,
  PseudoRandom,
  readThrough,
  runCurl,
  withDeadline,
} from "@shadowfleet/testkit";
import { startGateway } from "./gateway-fixture.ts";
import { startTestUpstream } from "./test-upstream.ts";

expectNoOpenHandles();

const skip = curlMissingReason() ?? false;

interface Origin {
  readonly port: number;
  /** Requests as the origin saw them. */
  readonly requests: { readonly line: string; readonly headers: IncomingMessage["headers"]; readonly body: Buffer }[];
}

/** A web server: /big is 1 MiB, /chunked comes in chunks, everything else is a line of text with the request's method and path. */
async function startOrigin(t: TestContext): Promise<Origin> {
  const requests: Origin["requests"] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    requests.push({
      line: `${request.method} ${request.url} HTTP/${request.httpVersion}`,
      headers: request.headers,
      body: Buffer.concat(parts),
    });
    if (request.url === "/big") response.end(new PseudoRandom(1).bytes(1024 * 1024));
    else if (request.url === "/chunked") {
      response.write("one ");
      response.end("two");
    } else response.end(`${request.method} ${request.url}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

async function start(t: TestContext, data: Readonly<Record<string, unknown>> = {}) {
  const upstream = await startTestUpstream(t, { names: { "origin.test": "127.0.0.1" } });
  const origin = await startOrigin(t);
  const gateway = await startGateway(t, { upstreams: [upstream.entry], ...data });
  const proxy = `127.0.0.1:${gateway.proxy.port}`;
  return { upstream, origin, gateway, proxy, url: (path: string) => `http://origin.test:${origin.port}${path}` };
}

describe("curl through the gateway", { skip }, () => {
  for (const [what, flags] of [
    ["-x http:// (plain)", (proxy: string) => ["-x", `http://${proxy}`]],
    ["-x http:// with a tunnel", (proxy: string) => ["-p", "-x", `http://${proxy}`]],
    ["--socks5-hostname", (proxy: string) => ["--socks5-hostname", proxy]],
    ["--socks4a", (proxy: string) => ["--socks4a", proxy]],
  ] as const) {
    test(`${what}: GET, a large answer, a chunked one`, async (t) => {
      const { origin, proxy, url, gateway } = await start(t);
      const page = await runCurl([...flags(proxy), url("/page?x=1")]);
      assert.deepEqual([page.exitCode, page.stdout], [0, "GET /page?x=1"], page.stderr);
      const big = await runCurl([...flags(proxy), url("/big")]);
      assert.deepEqual([big.exitCode, big.body], [0, new PseudoRandom(1).bytes(1024 * 1024)]);
      assert.equal((await runCurl([...flags(proxy), url("/chunked")])).stdout, "one two");
      assert.equal(origin.requests[0]?.line, "GET /page?x=1 HTTP/1.1");
      assert.equal(origin.requests[0]?.headers.host, `origin.test:${origin.port}`);
      await gateway.expectOutcomes("OK", "OK", "OK");
    });
  }

  test("plain: two URLs in one run, each on a connection of its own; nothing of the proxy's hop reaches the origin", async (t) => {
    const { origin, proxy, url, gateway } = await start(t);
    const { exitCode, stdout } = await runCurl([
      "-x",
      `http://${proxy}`,
      "-H",
      "Connection: X-Hop",
      "-H",
      "X-Hop: 1",
      url("/a"),
      url("/b"),
    ]);
    assert.deepEqual([exitCode, stdout], [0, "GET /aGET /b"]);
    for (const { headers } of origin.requests) {
      assert.deepEqual(
        [headers.connection, headers["proxy-connection"], headers["x-hop"], headers["user-agent"]?.slice(0, 5)],
        ["close", undefined, undefined, "curl/"],
      );
    }
    await gateway.expectOutcomes("OK", "OK");
  });

  test("plain: a request pipelined behind another never reaches the first one's origin", async (t) => {
    const { origin, url, gateway } = await start(t);
    const socket = await openSocket(gateway.proxy);
    const request = (path: string) => `GET ${url(path)} HTTP/1.1\r\nHost: h\r\n\r\n`;
    socket.write(request("/first") + request("/second"));
    await readThrough(socket, "GET /first", 3000, "the first answer");
    socket.write(request("/third"));
    socket.resume();
    await withDeadline(once(socket, "end"), 3000, "the end of the answer");
    socket.end();
    assert.deepEqual(
      origin.requests.map(({ line }) => line),
      ["GET /first HTTP/1.1"],
    );
    await gateway.expectOutcomes("OK");
  });

  test("plain: the answer says Connection: close; HTTP/1.0 and HEAD work", async (t) => {
    const { proxy, url } = await start(t);
    const { stdout } = await runCurl(["-i", "-x", `http://${proxy}`, url("/")]);
    assert.match(stdout, /\r\nConnection: close\r\n/);
    assert.doesNotMatch(stdout, /keep-alive/i);
    assert.equal((await runCurl(["-0", "-x", `http://${proxy}`, url("/old")])).stdout, "GET /old");
    const head = await runCurl(["-I", "-x", `http://${proxy}`, url("/")]);
    assert.deepEqual([head.exitCode, head.stdout.slice(0, 15)], [0, "HTTP/1.1 200 OK"]);
  });

  test("plain: POST with a length, chunked, and with Expect: 100-continue", async (t) => {
    const { origin, proxy, url } = await start(t);
    const via = ["-x", `http://${proxy}`];
    await runCurl([...via, "-d", "a small form", url("/form")]);
    const large = "x".repeat(100_000);
    await runCurl([...via, "-H", "Expect: 100-continue", "-d", large, url("/large")]);
    await runCurl([...via, "-H", "Transfer-Encoding: chunked", "-d", "in chunks", url("/chunks")]);
    assert.deepEqual(
      origin.requests.map(({ line, body }) => [line, body.length]),
      [
        ["POST /form HTTP/1.1", 12],
        ["POST /large HTTP/1.1", 100_000],
        ["POST /chunks HTTP/1.1", 9],
      ],
    );
  });

  test("users: right credentials pass through every door, wrong ones are refused clearly", async (t) => {
    const { proxy, url, gateway } = await start(t, { users: [{ name: "alice", password: "wonderland" }] });
    for (const door of [
      ["-x", `http://${proxy}`],
      ["-p", "-x", `http://${proxy}`],
      ["--socks5-hostname", proxy],
    ]) {
      const right = await runCurl([...door, "-U", "alice:wonderland", url("/in")]);
      assert.deepEqual([right.exitCode, right.stdout], [0, "GET /in"], door.join(" "));
    }
    const socks = await runCurl(["--socks5", proxy, "-U", "alice:wrong", "http://127.0.0.1:9/"]);
    assert.equal(socks.exitCode, 97);
    assert.match(socks.stderr, /rejected|authentication/i);
    const plain = await runCurl(["-x", `http://${proxy}`, "-U", "alice:wrong", "-w", "%{http_code}", url("/")]);
    assert.match(plain.stdout, /PROXY_AUTH_FAILED.*407$/s);
    const tunnel = await runCurl(["-p", "-x", `http://${proxy}`, url("/")]);
    assert.equal(tunnel.exitCode, 56);
    assert.match(tunnel.stderr, /407/);
    const { tcp } = gateway.app.traffic.of("alice");
    assert.ok(tcp.up > 0 && tcp.down > 0);
    assert.deepEqual(
      gateway.app.traffic.list().map(({ user }) => user),
      ["alice"],
    );
  });
});

describe("what curl sees when the upstream fails", { skip }, () => {
  const secrets = { method: "aes-128-gcm", secret: "any" };
  const url = "http://192.0.2.1/";

  test("refused", async (t) => {
    await using closed = await holdClosedPort();
    const gateway = await startGateway(t, { upstreams: [{ host: closed.host, port: closed.port, ...secrets }] });
    const proxy = `127.0.0.1:${gateway.proxy.port}`;
    const plain = await runCurl(["-i", "-x", `http://${proxy}`, url]);
    assert.match(plain.stdout, /^HTTP\/1\.1 502 .*X-Shadowfleet-Error: DIAL_REFUSED\r\n.*DIAL_REFUSED: Connection refused\n$/s);
    const tunnel = await runCurl(["-p", "-x", `http://${proxy}`, url]);
    assert.deepEqual([tunnel.exitCode, /502/.test(tunnel.stderr)], [56, true], tunnel.stderr);
    const socks5 = await runCurl(["--socks5-hostname", proxy, url]);
    assert.deepEqual([socks5.exitCode, /\(5\)/.test(socks5.stderr)], [97, true], socks5.stderr);
    const socks4 = await runCurl(["--socks4a", proxy, url]);
    assert.deepEqual([socks4.exitCode, /91/.test(socks4.stderr)], [97, true], socks4.stderr);
    await gateway.expectOutcomes("DIAL_REFUSED", "DIAL_REFUSED", "DIAL_REFUSED", "DIAL_REFUSED");
  });

  test("black hole: 504 after the dial timeout", async (t) => {
    const { port } = await blackHole(t, "127.0.0.1");
    const gateway = await startGateway(t, { upstreams: [{ host: "127.0.0.1", port, ...secrets }], timeouts: { dial: "200ms" } });
    const { stdout } = await runCurl(["-x", `http://127.0.0.1:${gateway.proxy.port}`, "-w", "%{http_code}", url]);
    assert.match(stdout, /^DIAL_TIMEOUT: .*504$/s);
  });

  test("the target is out of the upstream's reach: 502 in plain HTTP, a broken connection in a tunnel, no hang", async (t) => {
    await using closed = await holdClosedPort();
    const upstream = await startTestUpstream(t);
    const gateway = await startGateway(t, { upstreams: [upstream.entry] });
    const proxy = `127.0.0.1:${gateway.proxy.port}`;
    const target = `http://127.0.0.1:${closed.port}/`;
    const plain = await runCurl(["-x", `http://${proxy}`, "-w", "%{http_code}", target], { deadlineMs: 3000 });
    assert.match(plain.stdout, /^UPSTREAM_CLOSED_EARLY: .*502$/s);
    const tunnel = await runCurl(["-p", "-x", `http://${proxy}`, target], { deadlineMs: 3000 });
    assert.equal(tunnel.exitCode, 56, tunnel.stderr);
    const socks = await runCurl(["--socks5-hostname", proxy, target], { deadlineMs: 3000 });
    assert.equal(socks.exitCode, 56, socks.stderr);
    await gateway.expectOutcomes("UPSTREAM_CLOSED_EARLY", "UPSTREAM_CLOSED_EARLY", "UPSTREAM_CLOSED_EARLY");
  });
});
