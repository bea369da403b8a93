import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { AdminServer, FleetError, type Metrics, type Readiness } from "../src/index.ts";
import { memoryLog, records } from "./memory-log.ts";

const HOST = "127.0.0.1";
const servers: AdminServer[] = [];
after(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function open(readiness: Record<string, Readiness>, scrape = async () => "fleet_up 1\n", stalledMs = 10_000) {
  const log = memoryLog();
  const metrics: Metrics = {
    counter: () => ({ add() {} }),
    histogram: () => ({ record() {} }),
    add() {},
    record() {},
    observe: () => () => {},
    scrape,
    async shutdown() {},
  };
  const server = new AdminServer({ metrics, logger: log.logger, readiness: () => readiness, stalledMs });
  servers.push(server);
  await server.listen({ host: HOST, port: 0 });
  return { server, log, url: (path: string) => `http://${HOST}:${server.port}${path}` };
}

describe("routes", () => {
  const ready: Readiness = { ready: true, details: { ports: "2 of 2 bound" } };
  const draining: Readiness = { ready: false, details: { lifecycle: "stopping" } };

  it("GET /healthz is 200 whatever the readiness", async () => {
    const { url } = await open({ "tcp-relay": draining });
    const response = await fetch(url("/healthz"));
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "ok\n");
    assert.equal(response.headers.get("cache-control"), "no-store");
  });

  it("GET /readyz is 200 only when every app is ready, with details as JSON", async () => {
    const apps: Record<string, Readiness> = { gateway: ready, "tcp-relay": ready };
    const { url } = await open(apps);
    const first = await fetch(url("/readyz?verbose"));
    assert.equal(first.status, 200);
    assert.match(first.headers.get("content-type")!, /^application\/json/);
    assert.deepEqual(await first.json(), { ready: true, apps: { gateway: ready, "tcp-relay": ready } });
    apps["tcp-relay"] = draining;
    const second = await fetch(url("/readyz"));
    assert.equal(second.status, 503);
    assert.deepEqual(await second.json(), { ready: false, apps: { gateway: ready, "tcp-relay": draining } });
  });

  it("GET /readyz is 503 without any app", async () => {
    const { url } = await open({});
    assert.equal((await fetch(url("/readyz"))).status, 503);
  });

  it("GET /metrics is the scrape in Prometheus's text format", async () => {
    const { url } = await open({});
    const response = await fetch(url("/metrics"));
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(await response.text(), "fleet_up 1\n");
  });

  it("GET /metrics is 500 and logged when scraping fails, and nothing leaks", async () => {
    const { url, log } = await open({}, async () => {
      throw new Error("inner detail");
    });
    const response = await fetch(url("/metrics"));
    assert.equal(response.status, 500);
    assert.equal(await response.text(), "INTERNAL: see the log\n");
    assert.equal(records(log.lines).at(-1)!.code, "INTERNAL");
  });

  it("HEAD answers like GET without a body", async () => {
    const { url } = await open({ gateway: ready });
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const [head, whole] = await Promise.all([fetch(url(path), { method: "HEAD" }), fetch(url(path))]);
      assert.equal(head.status, 200);
      assert.equal(await head.text(), "");
      assert.equal(head.headers.get("content-length"), String((await whole.arrayBuffer()).byteLength));
    }
  });

  it("anything else is 404, other methods 405", async () => {
    const { url } = await open({});
    for (const path of ["/", "/healthz/", "/HEALTHZ", "/metrics/x", "/../metrics%00", "//healthz"])
      assert.equal((await fetch(url(path))).status, 404, path);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const response = await fetch(url("/metrics"), { method });
      assert.equal(response.status, 405, method);
      assert.equal(response.headers.get("allow"), "GET, HEAD");
    }
  });
});

describe("limits", { concurrency: true }, () => {
  it("refuses headers above 8 KiB", async () => {
    const { url } = await open({});
    assert.equal((await fetch(url("/healthz"), { headers: { "x-long": "a".repeat(9000) } })).status, 431);
  });

  it("ends a connection that dribbles its request or sends nothing", { timeout: 20_000 }, async () => {
    const { server } = await open({});
    const began = performance.now();
    const dribbling = connect(server.port, HOST, () => dribbling.write("GET /healthz HTTP/1.1\r\nHost: x\r\n"));
    const drip = setInterval(() => dribbling.write("a: b\r\n"), 500);
    dribbling.once("close", () => clearInterval(drip));
    const silent = connect(server.port, HOST);
    for (const socket of [dribbling, silent]) socket.on("error", () => {}).resume();
    await Promise.all([closed(dribbling), closed(silent)]);
    const seconds = (performance.now() - began) / 1000;
    assert.ok(seconds > 4 && seconds < 15, `${seconds} s`);
  });
});

describe("limits of connections", { concurrency: true }, () => {
  it("are 256; beyond them new ones are closed, and it answers again once those that say nothing are cut", {
    timeout: 60_000,
  }, async () => {
    const { server, url } = await open({});
    const silent = await Promise.all(Array.from({ length: 256 }, () => connected(server.port)));
    const more = await connected(server.port);
    await closed(more);
    assert.equal(silent.filter(({ destroyed }) => destroyed).length, 0);
    await Promise.all(silent.map(closed));
    assert.equal((await fetch(url("/healthz"))).status, 200);
  });

  it("one that asks for much and does not read is cut", { timeout: 60_000 }, async () => {
    const { server, url } = await open({}, async () => "x".repeat(64 * 1024 * 1024), 500);
    const stalled = await connected(server.port);
    stalled.pause().write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    // It hears of its end when it reads again.
    const readBytes = async (): Promise<number> => {
      stalled.resume();
      await closed(stalled);
      return stalled.bytesRead;
    };
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.ok((await readBytes()) < 64 * 1024 * 1024, "the answer was cut short");
    assert.equal((await fetch(url("/healthz"))).status, 200);
  });
});

/** However it ended: what is written to a connection that has been cut resets it. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));

async function connected(port: number) {
  const socket = connect(port, HOST);
  await once(socket, "connect");
  return socket.on("error", () => {}).resume();
}

describe("listen and close", () => {
  it("takes a free port, and says so, only when the port was not asked for", async () => {
    const other = createServer().listen(0, HOST);
    await once(other, "listening");
    const taken = (other.address() as AddressInfo).port;
    const { server, log } = await open({});
    await server.close();
    await server.listen({ host: HOST, port: undefined }, taken);
    assert.ok(server.port > 0 && server.port !== taken);
    const warning = records(log.lines).at(-1)!;
    assert.equal(warning.level, "warn");
    assert.deepEqual([warning.port, warning.defaultPort], [server.port, taken]);
    await server.close();
    await assert.rejects(server.listen({ host: HOST, port: taken }, 9101), (error: unknown) => {
      assert.ok(error instanceof FleetError);
      assert.equal(error.code, "BIND_FAILED");
      assert.match(error.message, new RegExp(`^the admin address 127\\.0\\.0\\.1 port ${taken} cannot be bound: .*EADDRINUSE`));
      return true;
    });
    other.close();
  });

  it("does not fall back when the address itself is wrong", async () => {
    const { server } = await open({});
    await server.close();
    await assert.rejects(server.listen({ host: "192.0.2.1", port: undefined }, 9101), { code: "BIND_FAILED" });
  });

  it("closes at once in spite of kept-alive connections, and answers what is in flight", async () => {
    const asked = Promise.withResolvers<void>();
    const scraped = Promise.withResolvers<string>();
    const { server, url } = await open({}, () => {
      asked.resolve();
      return scraped.promise;
    });
    const agent = new Agent({ keepAlive: true });
    const idle = get(url("/healthz"), { agent });
    const [response] = await once(idle, "response");
    response.resume();
    await once(response, "end");
    const inFlight = fetch(url("/metrics"));
    await asked.promise;
    const closing = server.close();
    scraped.resolve("late 1\n");
    assert.equal(await (await inFlight).text(), "late 1\n");
    const began = performance.now();
    await closing;
    assert.ok(performance.now() - began < 500);
    await assert.rejects(fetch(url("/healthz")));
    agent.destroy();
  });

  it("cuts off a request that never ends, soon", async () => {
    const asked = Promise.withResolvers<void>();
    const { server, url } = await open({}, () => {
      asked.resolve();
      return new Promise(() => {});
    });
    const hanging = fetch(url("/metrics")).then(
      () => "answered",
      () => "cut off",
    );
    await asked.promise;
    const began = performance.now();
    await server.close();
    assert.ok(performance.now() - began < 3_000);
    assert.equal(await hanging, "cut off");
  });
});
