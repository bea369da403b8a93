import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import { bindTcp, PluginProcess, systemClock } from "@shadowfleet/runtime";
import {
  createMemoryLogger,
  eventually,
  freePort,
  isPortFree,
  RecordingMetrics,
  startEchoTarget,
  writeForwardingPlugin,
} from "@shadowfleet/testkit";
import { type RelayFixture, relayConfig, startSingle } from "./relay-fixture.ts";
import { ShadowClient } from "./shadow-client.ts";

const METHOD = "chacha20-ietf-poly1305";
const folder = mkdtempSync(join(tmpdir(), "shadowfleet-plugins-"));
const program = writeForwardingPlugin(folder);
after(() => rmSync(folder, { recursive: true, force: true }));
const plugins = [{ program, pluginOptions: "server" }];

/** The client's end of the plugin. */
async function clientPlugin(t: TestContext, port: number): Promise<number> {
  const local = { host: "127.0.0.1", port: await bindTcp("127.0.0.1", 0) };
  const launch = async () => ({ remote: { host: "127.0.0.1", port }, local, accepts: local });
  const { logger } = createMemoryLogger();
  const client = new PluginProcess({
    program,
    pluginOptions: "client",
    launch,
    logger,
    metrics: new RecordingMetrics(),
    clock: systemClock,
  });
  assert.equal(await client.start(), true);
  t.after(() => client.stop());
  return local.port;
}

const pidOf = (relay: RelayFixture): number => Number(relay.log.lines.findLast(({ msg }) => msg === "plugin ready")?.pid);

describe("a port behind a SIP003 plugin", () => {
  test("is the plugin's, serves who comes through it, and is free again after a drain that let sessions finish", async (t) => {
    const relay = await startSingle(METHOD, "pw", { plugins });
    await using target = await startEchoTarget();
    const port = await clientPlugin(t, relay.port);
    assert.equal(relay.app.boundPort(relay.port), relay.port);
    using client = await ShadowClient.open({ port, method: METHOD, secret: "pw", target, payload: Buffer.from("hello") });
    assert.equal((await client.receive(5)).toString(), "hello");
    assert.equal(relay.app.sessions.list()[0]?.clientHost, "127.0.0.1", "the plugin's address is all there is");
    const drained = relay.app.drain(20_000);
    client.write(Buffer.from(" and on"));
    assert.equal((await client.receive(12)).toString(), "hello and on", "a live session goes on");
    client.end();
    await drained;
    assert.deepEqual(
      relay.ends.map(({ code }) => code),
      ["OK"],
    );
    assert.equal(await isPortFree(relay.port), true);
  });

  test("comes back when the plugin dies", async (t) => {
    await using relay = await startSingle(METHOD, "pw", { plugins });
    await using target = await startEchoTarget();
    const first = pidOf(relay);
    process.kill(first, "SIGKILL");
    await eventually("another process", () => pidOf(relay) !== first);
    assert.equal(relay.metrics.total("fleet.plugin.exits", { plugin: "forwarding-plugin" }), 1);
    const port = await clientPlugin(t, relay.port);
    using client = await ShadowClient.open({ port, method: METHOD, secret: "pw", target, payload: Buffer.from("hello") });
    assert.equal((await client.receive(5)).toString(), "hello");
  });

  test("that a reload takes away is free at once, and its sessions end", async (t) => {
    await using relay = await startSingle(METHOD, "pw", { plugins });
    await using target = await startEchoTarget();
    const port = await clientPlugin(t, relay.port);
    using client = await ShadowClient.open({ port, method: METHOD, secret: "pw", target, payload: Buffer.from("hello") });
    await client.receive(5);
    const other = await freePort();
    await relay.app.reload(relayConfig({ plugins, ports: [{ port: other, host: "127.0.0.1", method: METHOD, password: "pw" }] }));
    assert.equal(await isPortFree(relay.port), true);
    await relay.quiet();
    assert.equal(relay.app.boundPort(other), other);
  });

  test("whose plugin does not come to accept is a failed port, which is told and tried again; others serve", async () => {
    const plain = await freePort();
    await using relay = await startSingle(METHOD, "pw", {
      plugins: [{ program: join(folder, "missing"), ports: [4] }],
      ports: [
        { port: 4, host: "127.0.0.1", method: METHOD, password: "pw" },
        { port: plain, host: "127.0.0.1", method: METHOD, password: "other" },
      ],
    });
    assert.deepEqual([relay.app.boundPort(4), relay.app.boundPort(plain)], [undefined, plain]);
    assert.deepEqual(relay.app.readiness().details.failed, "4");
    assert.ok(relay.log.lines.some(({ code, msg }) => code === "PLUGIN_FAILED" && msg === "port could not be opened"));
  });

  test("is configured by the relay's own file: a whole path, one plugin a port, one process", () => {
    const ports = [{ port: 1, password: "x" }];
    const problem = (settings: object, pattern: RegExp) => assert.throws(() => relayConfig({ ports, ...settings }), pattern);
    problem({ plugins: [{ program: "obfs-server" }] }, /plugins\[0\]\.program: must be the absolute path/);
    problem({ plugins: [{ program: "/a" }, { program: "/b", ports: [1] }] }, /plugins: two plugins are for the same port/);
    problem(
      {
        plugins: [
          { program: "/a", ports: [1, 2] },
          { program: "/b", ports: [2] },
        ],
      },
      /plugins: two plugins/,
    );
    problem({ plugins, workers: 2 }, /plugins: cannot be given with workers/);
    assert.equal(relayConfig({ ports, plugins: [{ program: "/a", ports: [1] }] }).plugins?.[0]?.pluginOptions, "");
  });
});
