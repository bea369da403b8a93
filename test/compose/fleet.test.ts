import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { curlMissingReason, docker, engineMissingReason, eventually, freePort, runCurl } from "@shadowfleet/testkit";
import { startService } from "../fleet-process.ts";
import { ComposeProject } from "./compose-project.ts";
import { type Counts, Operator } from "./operator.ts";
import { connectFrom, connectProgram } from "./reachability.ts";

const reason = engineMissingReason({ compose: true }) ?? curlMissingReason();

const UP_WITHIN_MS = 30_000;
const DOWN_WITHIN_MS = 10_000;
/** A container has to be made for it. */
const COMMAND_WITHIN_MS = 15_000;
const SERVICES = ["bootstrap", "gateway", "management-1", "management-2", "redis", "target", "tcp-relay", "udp-relay"];
/** By compose.yaml: everything but the target of the tests. */
const OURS = SERVICES.filter((name) => name !== "target");
const PAGE_BYTES = 300_000;

interface TestPassed {
  readonly tcp: { readonly bytes: number };
  readonly udp: { readonly bytes: number } | null;
  readonly counted: Counts;
}

describe("docker compose up", reason === undefined ? { timeout: 280_000 } : { skip: reason }, () => {
  let project: ComposeProject;
  let operator: Operator;
  let startedInMs = 0;
  let alice: Counts;
  let leastDownBytes = 0;

  before(async () => {
    project = await ComposeProject.create("compose.yaml", "compose.test.yaml");
    startedInMs = (await project.compose("up", "--wait")).tookMs;
    operator = await Operator.of(project);
  });
  after(() => project?.[Symbol.asyncDispose]());

  const totals = (key: string): Promise<Counts> => operator.traffic(key);
  const page = (bytes: number, ...flags: readonly string[]) =>
    runCurl(["-m", "60", ...flags, "-x", `socks5h://127.0.0.1:${project.gatewayPort}`, `http://target.egress:8000/${bytes}`], {
      deadlineMs: 70_000,
    });

  test("everything is healthy in half a minute, from nothing but images", async (t) => {
    t.diagnostic(`up --wait took ${(startedInMs / 1000).toFixed(1)} s`);
    assert.ok(startedInMs <= UP_WITHIN_MS, `${startedInMs} ms`);
    const containers = await project.containers();
    assert.deepEqual([...containers.keys()].toSorted(), SERVICES);
    for (const [name, { State, RestartCount }] of containers) {
      assert.deepEqual([State.Status, State.ExitCode, RestartCount], [name === "bootstrap" ? "exited" : "running", 0, 0], name);
    }
    const { members } = await operator.cli<{ readonly members: readonly { readonly id: string; readonly ready: boolean }[] }>(
      "fleet",
      "status",
    );
    assert.deepEqual(
      members.map(({ id, ready }) => [id, ready]),
      [
        ["gateway", true],
        ["tcp-relay", true],
        ["udp-relay", true],
      ],
    );
  });

  test("a page comes through the gateway, over SOCKS5 and as an HTTP proxy", async () => {
    const socks = await page(PAGE_BYTES);
    assert.deepEqual([socks.exitCode, socks.body.length], [0, PAGE_BYTES], socks.stderr);
    const http = await runCurl(["-m", "20", "-x", `http://127.0.0.1:${project.gatewayPort}`, `http://target.egress:8000/${PAGE_BYTES}`]);
    assert.deepEqual([http.exitCode, http.body.length], [0, PAGE_BYTES], http.stderr);
  });

  test("targets are reached through the relays alone, and Redis by nobody who is not to", async () => {
    const [target, redis] = await Promise.all([project.address("target", "egress"), project.address("redis", "control")]);
    assert.equal(await connectFrom(project, "tcp-relay", target.container, 8000), "connected");
    assert.equal(await connectFrom(project, "gateway", target.container, 8000), "timeout");
    assert.equal(await connectFrom(project, "gateway", redis.container, 6379), "connected");
    for (const network of ["front", "egress", "edge"]) {
      const image = (await project.container("target")).Config.Image;
      const line = [
        "run",
        "--rm",
        "--network",
        `${project.name}_${network}`,
        image,
        "node",
        "--eval",
        connectProgram(redis.container, 6379),
      ];
      assert.match(await docker(line), /^(timeout|ENETUNREACH|EHOSTUNREACH)$/, network);
    }
  });

  test("nothing comes back to a gateway that goes out by itself", async () => {
    const { options } = JSON.parse(
      await docker(["network", "inspect", `${project.name}_edge`, "--format", '{"options":{{json .Options}}}']),
    ) as {
      readonly options: Readonly<Record<string, string>>;
    };
    assert.equal(options["com.docker.network.bridge.enable_ip_masquerade"], "false");
    const internal = ["control", "front", "egress", "edge"].map((name) => `${project.name}_${name}`);
    const flags = await docker(["network", "inspect", ...internal, "--format", "{{.Internal}}"]);
    assert.deepEqual(flags.split("\n"), ["true", "true", "false", "false"]);
    const gateway = Object.keys((await project.container("gateway")).NetworkSettings.Networks).toSorted();
    assert.deepEqual(
      gateway,
      ["control", "edge", "front"].map((name) => `${project.name}_${name}`),
    );
  });

  test("every container of ours is locked down", async () => {
    const containers = await project.containers();
    for (const name of OURS) {
      const { HostConfig, Config } = containers.get(name)!;
      assert.equal(HostConfig.ReadonlyRootfs, true, name);
      assert.deepEqual(HostConfig.CapDrop, ["ALL"], name);
      assert.deepEqual(HostConfig.SecurityOpt, ["no-new-privileges:true"], name);
      assert.ok(HostConfig.Memory > 0 && HostConfig.NanoCpus > 0 && (HostConfig.PidsLimit ?? 0) > 0, name);
      assert.equal(HostConfig.LogConfig.Config["max-size"], "10m", name);
      assert.match(Config.User, /^[1-9]\d*:[1-9]\d*$/, name);
    }
  });

  test("members can read what they need of the secrets, and not what manages the fleet", async () => {
    const program = `
      const { accessSync, constants, readdirSync } = require("node:fs");
      const can = (file) => { try { accessSync(file, constants.R_OK); return true; } catch { return false; } };
      const folder = "/run/secrets/shadowfleet/";
      console.log(JSON.stringify(readdirSync(folder).filter((name) => can(folder + name)).sort()));`;
    for (const service of ["gateway", "tcp-relay", "udp-relay"]) {
      const readable = JSON.parse(await project.evaluate(service, program)) as string[];
      assert.deepEqual(readable, ["ca.crt", "member.token", "redis-password", "tls.crt"], service);
    }
    assert.ok((JSON.parse(await project.evaluate("management-1", program)) as string[]).includes("tls.key"));
  });

  test("fleet test passes inside, with TCP and UDP, and counts to the byte", async () => {
    const words = ["run", "--rm", "--no-TTY", "--use-aliases", "fleet-test"];
    const command = ["fleet", "test", "--gateway=gateway:1080", "--echo-listen=0.0.0.0:7007", "--echo-host=fleet-test.egress"];
    await settled();
    const { stdout } = await project.compose(...words, ...command, "--exact", "--output=json");
    const { tcp, udp, counted } = JSON.parse(stdout) as TestPassed;
    assert.deepEqual(counted, { tcpUpBytes: tcp.bytes, tcpDownBytes: tcp.bytes, udpUpBytes: udp?.bytes, udpDownBytes: udp?.bytes });
  });

  test("the published gateway takes TCP and UDP, and the command outside sees every byte counted", async () => {
    const { host } = await project.address("tcp-relay", "egress");
    const before = await settled();
    const echo = `${host}:${await freePort()}`;
    const { tcp, udp } = await operator.cli<TestPassed>(
      ...["fleet", "test", "--gateway", `127.0.0.1:${project.gatewayPort}`, "--echo-listen", echo, "--bytes", "1234567B"],
    );
    const { total } = await operator.cli<{ readonly total: Counts }>("traffic", "gateway");
    assert.deepEqual(total, {
      tcpUpBytes: before.tcpUpBytes + tcp.bytes,
      tcpDownBytes: before.tcpDownBytes + tcp.bytes,
      udpUpBytes: before.udpUpBytes + (udp?.bytes ?? 0),
      udpDownBytes: before.udpDownBytes + (udp?.bytes ?? 0),
    });
  });

  test("a key for a person is made outside, works at the published relays, and is counted on its own", async () => {
    const { accessUri } = await operator.cli<{ readonly accessUri: string }>("key", "create", "alice");
    assert.match(accessUri, /@127\.0\.0\.1:8388#alice$/);
    // Anybody's own client: here a gateway on this machine.
    const port = await freePort();
    const upstream = accessUri.replace(":8388#", `:${project.relayPort}#`);
    await using _client = await startService("gateway", { listen: { port }, upstreams: [upstream] });
    const echo = `${(await project.address("tcp-relay", "egress")).host}:${await freePort()}`;
    const { counted } = await operator.cli<TestPassed>(
      ...["fleet", "test", "--gateway", `127.0.0.1:${port}`, "--key", "alice", "--echo-listen", echo, "--exact"],
    );
    assert.deepEqual(await totals("alice"), counted);
  });

  test("the command in its container answers too, and does not wait for name servers that cannot be reached there", async (t) => {
    const { stdout, tookMs } = await project.compose("run", "--rm", "--no-TTY", "cli", "key", "list", "-o", "json");
    t.diagnostic(`it took ${(tookMs / 1000).toFixed(1)} s`);
    assert.ok(tookMs <= COMMAND_WITHIN_MS, `${tookMs} ms`);
    const { accessKeys } = JSON.parse(stdout) as { readonly accessKeys: readonly { readonly id: string }[] };
    assert.deepEqual(
      accessKeys.map(({ id }) => id),
      ["alice", "gateway"],
    );
  });

  test("everything stops by itself in ten seconds with a download under way, which is cut and counted", async (t) => {
    const before = await settled();
    const download = page(50_000_000, "--limit-rate", "1M", "--output", "/dev/null", "--write-out", "%{size_download}");
    await eventually("the download to be counted", async () => (await totals("gateway")).tcpDownBytes > before.tcpDownBytes, 30_000);
    alice = await totals("alice");
    await stop(t, "stop with a download under way");
    const { exitCode, stdout } = await download;
    assert.notEqual(exitCode, 0);
    leastDownBytes = before.tcpDownBytes + Number(stdout);
    await project.compose("down");
    assert.equal((await project.containers()).size, 0);
  });

  test("it comes back from the base files alone, with its secrets, keys and counters", async (t) => {
    project.useFiles("compose.yaml");
    const again = await project.compose("up", "--wait");
    t.diagnostic(`the second up --wait took ${(again.tookMs / 1000).toFixed(1)} s`);
    assert.match(await project.logs("bootstrap"), /^ca\.crt +kept$/m);
    const { accessKeys } = await operator.cli<{ readonly accessKeys: readonly { readonly id: string }[] }>("key", "list");
    assert.deepEqual(
      accessKeys.map(({ id }) => id),
      ["alice", "gateway"],
    );
    assert.deepEqual(await totals("alice"), alice);
    const { tcpDownBytes } = await totals("gateway");
    assert.ok(tcpDownBytes >= leastDownBytes, `${tcpDownBytes} counted, ${leastDownBytes} received`);
  });

  test("outside of tests relays go to no private address but that of the echo that fleet-test brings along", async () => {
    const { stdout } = await project.compose("run", "--rm", "--no-TTY", "--use-aliases", "fleet-test");
    assert.match(stdout, /^The counters of access key gateway grew by at least that\.$/m);
    const { container } = await project.address("management-1", "control");
    const readiness = await runCurl(["-m", "20", "-x", `socks5h://127.0.0.1:${project.gatewayPort}`, `http://${container}:9104/readyz`]);
    assert.deepEqual([readiness.exitCode === 0, readiness.stdout], [false, ""]);
    assert.match(await project.logs("tcp-relay"), /"code":"TARGET_FORBIDDEN"/);
  });

  test("idle, it stops sooner", async (t) => await stop(t, "stop when idle"));

  /** Stops everything: in time, and nothing is killed. */
  async function stop(t: TestContext, what: string): Promise<void> {
    const { tookMs } = await project.compose("stop");
    t.diagnostic(`${what} took ${(tookMs / 1000).toFixed(1)} s`);
    assert.ok(tookMs <= DOWN_WITHIN_MS, `${tookMs} ms`);
    for (const [name, { State }] of await project.containers()) {
      assert.deepEqual([State.Status, State.ExitCode, State.OOMKilled], ["exited", 0, false], name);
    }
  }

  /** Waits until what earlier tests sent has been counted; the gateway's counters then. */
  async function settled(): Promise<Counts> {
    let last = await totals("gateway");
    await eventually(
      "the counters to stand still",
      async () => {
        const earlier = last;
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        last = await totals("gateway");
        return isDeepStrictEqual(last, earlier);
      },
      20_000,
    );
    return last;
  }
});
