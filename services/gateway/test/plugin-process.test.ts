import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { PluginProcess, type PluginProcessOptions, systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, eventually, freePort, isPortFree, RecordingMetrics, startEchoTarget } from "@shadowfleet/testkit";

const folder = mkdtempSync(join(tmpdir(), "shadowfleet-plugin-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A plugin in Node: tells its environment, accepts at SS_LOCAL, answers "exit" by ending and anything else with its pid. */
function script(name: string, body: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!${process.execPath}\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const ACCEPTING = `
const net = require("node:net");
console.error(JSON.stringify(process.env));
const server = net.createServer((socket) => socket.on("error", () => {}).on("data", (data) => {
  if (String(data) === "exit") process.exit(3);
  socket.end(String(process.pid));
}));
server.listen(Number(process.env.SS_LOCAL_PORT), process.env.SS_LOCAL_HOST);`;

interface Fixture extends AsyncDisposable {
  readonly plugin: PluginProcess;
  readonly log: ReturnType<typeof createMemoryLogger>;
  readonly metrics: RecordingMetrics;
}

function plugin(program: string, options: Partial<PluginProcessOptions> = {}): Fixture {
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const launch = async () => {
    const local = { host: "127.0.0.1", port: await freePort() };
    return { remote: { host: "::", port: 8388 }, local, accepts: local };
  };
  const made = new PluginProcess({
    program,
    pluginOptions: "mode=a;path=/b\\;c",
    launch,
    logger: log.logger,
    metrics,
    clock: systemClock,
    retryMinMs: 20,
    ...options,
  });
  return { plugin: made, log, metrics, [Symbol.asyncDispose]: () => made.stop() };
}

function ask({ plugin: { address } }: Fixture, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(address!.port, address!.host);
    socket.on("data", (data) => (answer += data));
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a SIP003 plugin", () => {
  test("is told its ends and options and nothing of the service's environment, and is ready when it accepts", async () => {
    process.env.SHADOWFLEET_TEST_SECRET = "hidden";
    await using fixture = plugin(script("accepting", ACCEPTING));
    assert.equal(await fixture.plugin.start(), true);
    delete process.env.SHADOWFLEET_TEST_SECRET;
    const line = fixture.log.lines.find(({ level, msg }) => level === "debug" && msg?.includes("SS_LOCAL_PORT"));
    const environment = JSON.parse(line?.msg ?? "{}");
    const { SS_REMOTE_HOST, SS_REMOTE_PORT, SS_LOCAL_HOST, SS_LOCAL_PORT, SS_PLUGIN_OPTIONS, SHADOWFLEET_TEST_SECRET, ...others } =
      environment;
    assert.deepEqual(
      [SS_REMOTE_HOST, SS_REMOTE_PORT, SS_LOCAL_HOST, SS_LOCAL_PORT, SS_PLUGIN_OPTIONS, SHADOWFLEET_TEST_SECRET],
      ["::|0.0.0.0", "8388", "127.0.0.1", String(fixture.plugin.address?.port), "mode=a;path=/b\\;c", undefined],
    );
    const known = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];
    assert.deepEqual(
      Object.keys(others).filter((name) => !known.includes(name)),
      [],
    );
    assert.match(await ask(fixture, "who"), /^\d+$/);
  });

  test("that ends is started again at another port, logged and counted; a stop is final and leaves nobody", async () => {
    const fixture = plugin(script("mortal", ACCEPTING));
    await fixture.plugin.start();
    const first = { pid: await ask(fixture, "who"), port: fixture.plugin.address?.port };
    await ask(fixture, "exit");
    await eventually("a new process", () => fixture.plugin.ready && fixture.plugin.address?.port !== first.port);
    const second = Number(await ask(fixture, "who"));
    assert.notEqual(second, Number(first.pid));
    assert.equal(fixture.metrics.total("fleet.plugin.exits", { plugin: "mortal" }), 1);
    const ends = fixture.log.lines.filter(({ code }) => code === "PLUGIN_FAILED");
    assert.deepEqual(
      ends.map(({ level, exitCode, retryInMs }) => [level, exitCode, retryInMs]),
      [["error", 3, 20]],
    );
    await fixture.plugin.stop();
    assert.equal(isAlive(second), false);
    assert.equal(await isPortFree(fixture.plugin.address!.port), true);
    assert.equal(fixture.metrics.total("fleet.plugin.exits"), 1, "an end that was asked for is none");
  });

  test("that cannot be started, or never accepts, is no reason to wait for ever, and is tried again with growing pauses", async () => {
    await using missing = plugin(join(folder, "missing"));
    assert.equal(await missing.plugin.start(), false);
    await eventually("three tries", () => missing.metrics.total("fleet.plugin.exits") >= 3);
    const lines = missing.log.lines.filter(({ code }) => code === "PLUGIN_FAILED").slice(0, 3);
    assert.deepEqual(
      lines.map(({ reason, retryInMs }) => [reason, retryInMs]),
      [
        ["ENOENT", 20],
        ["ENOENT", 40],
        ["ENOENT", 80],
      ],
    );

    const noPort = async () => {
      throw Object.assign(new Error("none left"), { code: "EMFILE" });
    };
    await using portless = plugin(script("portless", ACCEPTING), { launch: noPort });
    assert.equal(await portless.plugin.start(), false);
    assert.equal(portless.log.lines.find(({ code }) => code === "PLUGIN_FAILED")?.reason, "EMFILE");

    await using other = await startEchoTarget();
    const place = { host: other.host, port: other.port };
    await using crowded = plugin(script("crowded", ACCEPTING), { launch: async () => ({ remote: place, local: place, accepts: place }) });
    assert.equal(await crowded.plugin.start(), false, "whoever answers there is not the plugin");
    assert.equal(crowded.log.lines.find(({ code }) => code === "PLUGIN_FAILED")?.reason, "EADDRINUSE");

    await using mute = plugin(script("mute", "setInterval(() => {}, 1000)"), { readyWithinMs: 300 });
    assert.equal(await mute.plugin.start(), false);
    assert.equal(mute.plugin.ready, false);
  });

  test("that does not heed SIGTERM is killed, with what it has started", async () => {
    const body = `process.on("SIGTERM", () => {});
const child = require("node:child_process").spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"]);
console.error("child " + child.pid);
${ACCEPTING}`;
    const fixture = plugin(script("stubborn", body));
    await fixture.plugin.start();
    const pid = Number(await ask(fixture, "who"));
    await eventually("the child's line", () => fixture.log.lines.some(({ msg }) => msg?.startsWith("child ")));
    const child = Number(fixture.log.lines.find(({ msg }) => msg?.startsWith("child "))?.msg?.slice(6));
    await fixture.plugin.stop();
    assert.equal(isAlive(pid), false);
    await eventually("the end of its child", () => !isAlive(child));
  });

  test("stopped while it waits to be started again, or before it was ready, it does not come back", async () => {
    const waiting = plugin(join(folder, "missing"), { retryMinMs: 60_000, retryMaxMs: 60_000 });
    await waiting.plugin.start();
    await waiting.plugin.stop();
    const early = plugin(script("early", ACCEPTING));
    const started = early.plugin.start();
    await early.plugin.stop();
    assert.equal(await started, false);
    assert.equal(early.plugin.ready, false);
  });
});
