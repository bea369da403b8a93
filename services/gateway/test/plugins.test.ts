import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import { PluginProcess, redactedConfigYaml, systemClock } from "@shadowfleet/runtime";
import {
  createMemoryLogger,
  eventually,
  expectNoOpenHandles,
  freePort,
  RecordingMetrics,
  readExactly,
  socks5Associate,
  socks5Request,
  startEchoTarget,
  startUdpEchoTarget,
  writeForwardingPlugin,
} from "@shadowfleet/testkit";
import { type GatewayConfig, loadGatewayConfig } from "../src/config.ts";
import { planFleetUpstreams } from "../src/fleet/fleet-upstreams.ts";
import { type GatewayFixture, gatewayConfig, startGateway } from "./gateway-fixture.ts";
import { startTestUpstream, type TestUpstream } from "./test-upstream.ts";

expectNoOpenHandles();

const folder = mkdtempSync(join(tmpdir(), "shadowfleet-plugins-"));
const program = writeForwardingPlugin(folder);
after(() => rmSync(folder, { recursive: true, force: true }));
const plugins = { changing: program };

/** The plugin's other end in front of an upstream, at a port of its own. */
async function coveredBy(t: TestContext, upstream: TestUpstream): Promise<number> {
  const remote = { host: "127.0.0.1", port: await freePort() };
  const { logger } = createMemoryLogger();
  const launch = async () => ({ remote, local: { host: "127.0.0.1", port: upstream.port }, accepts: remote });
  const server = new PluginProcess({
    program,
    pluginOptions: "server",
    launch,
    logger,
    metrics: new RecordingMetrics(),
    clock: systemClock,
  });
  assert.equal(await server.start(), true);
  t.after(() => server.stop());
  return remote.port;
}

async function echoes(gateway: GatewayFixture, text: string): Promise<void> {
  await using echo = await startEchoTarget();
  const { socket } = await socks5Request({ proxy: gateway.proxy, target: echo });
  socket.write(text);
  assert.equal(String(await readExactly(socket, text.length, 5000, "the echo")), text);
  socket.destroy();
  await gateway.nextEnd();
}

const pidOf = (gateway: GatewayFixture): number => {
  const line = gateway.log.lines.findLast(({ msg }) => msg === "plugin ready");
  return Number(line?.pid);
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("an upstream behind a SIP003 plugin", () => {
  test("TCP goes through the plugin, UDP around it; the plugin ends with the gateway", async (t) => {
    const upstream = await startTestUpstream(t);
    const port = await coveredBy(t, upstream);
    await using udpEcho = await startUdpEchoTarget();
    const gateway = await startGateway(t, { plugins, upstreams: [{ ...upstream.entry, port, plugin: "changing" }] });
    await echoes(gateway, "through two plugins");
    assert.equal(upstream.requests.length, 1);
    const pid = pidOf(gateway);
    assert.equal(isAlive(pid), true);

    const uncovered = await startGateway(t, { plugins, upstreams: [{ ...upstream.entry, plugin: "changing" }] });
    await using association = await socks5Associate({ proxy: uncovered.proxy });
    association.send(udpEcho, Buffer.from("around"));
    assert.equal(String((await association.receive()).payload), "around");

    await gateway.app.drain(0);
    assert.equal(isAlive(pid), false);
  });

  test("a plugin that dies is started again; what comes meanwhile goes to the next upstream", async (t) => {
    const [covered, plain] = [await startTestUpstream(t), await startTestUpstream(t)];
    const port = await coveredBy(t, covered);
    const gateway = await startGateway(t, {
      plugins,
      upstreams: [
        { id: "covered", ...covered.entry, port, plugin: "changing" },
        { id: "plain", ...plain.entry },
      ],
    });
    const first = pidOf(gateway);
    process.kill(first, "SIGKILL");
    await eventually("its end", () => gateway.metrics.total("fleet.plugin.exits", { plugin: "forwarding-plugin" }) === 1);
    await echoes(gateway, "meanwhile");
    assert.deepEqual([covered.requests.length, plain.requests.length], [0, 1]);
    await eventually("the new one", () => pidOf(gateway) !== first);
    gateway.failCounts.succeed("covered");
    await echoes(gateway, "afterwards");
    assert.deepEqual([covered.requests.length, plain.requests.length], [1, 1]);
  });

  test("a reload starts what is new, keeps what stays and ends what is gone", async (t) => {
    const upstream = await startTestUpstream(t);
    const port = await coveredBy(t, upstream);
    const entry = { ...upstream.entry, port, plugin: "changing" };
    const gateway = await startGateway(t, { plugins, upstreams: [entry] });
    const first = pidOf(gateway);
    await gateway.app.reload(gatewayConfig({ plugins, upstreams: [entry, { ...entry, id: "same plugin" }], policy: "latency" }));
    assert.equal(pidOf(gateway), first);
    await gateway.app.reload(gatewayConfig({ plugins, upstreams: [{ ...entry, pluginOptions: "other" }] }));
    assert.notEqual(pidOf(gateway), first);
    assert.equal(isAlive(first), false);
    await echoes(gateway, "through the new one");
  });

  test("what cannot be started does not keep the gateway from serving", async (t) => {
    const upstream = await startTestUpstream(t);
    const missing = { ...upstream.entry, id: "missing", plugin: "missing" };
    const gateway = await startGateway(t, { plugins: { missing: join(folder, "missing") }, upstreams: [missing, upstream.entry] });
    await echoes(gateway, "by the other");
    assert.ok(gateway.metrics.total("fleet.plugin.exits", { plugin: "missing" }) >= 1);
  });
});

describe("which programs a gateway starts", () => {
  const uri = "ss://YWVzLTEyOC1nY206dGVzdA@h:1/?plugin=changing%3Bmode%3Da";
  const expected = { program, pluginOptions: "mode=a" };

  test("those its own file names, for URIs, parts and the ancestor's format alike", () => {
    const entry = { host: "h", port: 1, method: "aes-128-gcm", secret: "test", plugin: "changing", pluginOptions: "mode=a" };
    const classic = { server: "h", server_port: 1, password: "test", method: "aes-128-gcm", local_port: 0 };
    for (const data of [
      { plugins, upstreams: [uri] },
      { plugins, upstreams: [{ uri }] },
      { plugins, upstreams: [entry] },
      { plugins, ...classic, plugin: "changing", plugin_opts: "mode=a" },
    ]) {
      assert.deepEqual(gatewayConfigOf(data).upstreams[0]?.plugin, expected);
    }
    assert.throws(() => gatewayConfigOf({ ...classic, plugin: "changing" }), /plugin: names a SIP003 plugin/);
    assert.equal(gatewayConfigOf({ ...classic, plugin: "", plugin_opts: "" }).upstreams[0]?.plugin, undefined);
  });

  test("none for what management says, whatever it says", () => {
    const configured = {
      id: "a",
      host: "h",
      udpHost: "",
      port: 1,
      method: "aes-128-gcm",
      secret: "test",
      plugin: { name: "changing", opts: "" },
    };
    const { upstreams } = planFleetUpstreams([configured as never], false);
    assert.deepEqual(
      upstreams.map(({ id, plugin }) => [id, plugin]),
      [["a", undefined]],
    );
  });

  test("a printed configuration does not show their options", () => {
    const text = redactedConfigYaml(gatewayConfigOf({ plugins, upstreams: [uri] }));
    assert.ok(text.includes(program) && !text.includes("mode=a"), text);
  });
});

function gatewayConfigOf(data: Readonly<Record<string, unknown>>): GatewayConfig {
  return loadGatewayConfig({ name: "test", data });
}
