import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { runService, type ServiceHost } from "../src/index.ts";
import { demoService } from "./demo-service.ts";
import { FakeProcess } from "./fake-process.ts";

const PASSWORD = "hunter2";
let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "runtime-"));
  file = join(folder, "demo.yaml");
});
after(() => rm(folder, { recursive: true }));
beforeEach(() => configure({ port: 0, password: PASSWORD, admin: { port: 0 } }));

async function configure(config: object): Promise<void> {
  await writeFile(file, JSON.stringify(config));
}

class Run implements ServiceHost {
  readonly process = new FakeProcess();
  out = "";
  err = "";
  readonly logged: Record<string, unknown>[] = [];
  readonly logDestination = { write: (line: string) => void this.logged.push(JSON.parse(line) as Record<string, unknown>) };
  stdout = (text: string) => {
    this.out += text;
  };
  stderr = (text: string) => {
    this.err += text;
  };

  /** Waits for the log line with that message. */
  async logs(message: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.logged.find(({ msg }) => msg === message);
      if (found) return found;
      await sleep(5);
    }
  }

  async stop(): Promise<number> {
    this.process.emit("SIGTERM");
    return await this.process.exited();
  }
}

async function run(argv: readonly string[], adminDefaultPort = 0): Promise<Run> {
  const host = new Run();
  await runService(demoService(adminDefaultPort), argv, host);
  return host;
}

describe("command line", () => {
  it("--help and --version print to stdout and exit 0", async () => {
    const help = await run(["--help"]);
    assert.deepEqual(help.process.exitCodes, [0]);
    assert.match(help.out, /^demo: greets\n/);
    for (const flag of ["--config FILE", "--check-config", "--allow-private-targets", "--help", "--version"])
      assert.ok(help.out.includes(flag), flag);
    const version = await run(["--version"]);
    assert.deepEqual(version.process.exitCodes, [0]);
    assert.match(version.out, /^demo 1\.2\.3 \(Node\.js v\d+\./);
  });

  for (const [argv, reason] of [
    [["--chekc-config"], /^demo: unknown flag --chekc-config, did you mean --check-config\?\n/],
    [["--frobnicate"], /^demo: unknown flag --frobnicate\n/],
    [["-x"], /^demo: unknown flag -x\n/],
    [["start"], /^demo: Unexpected argument 'start'/],
    [["--config"], /^demo: Option '--config <value>' argument missing/],
    [["--help=yes"], /^demo: Option '--help' does not take an argument/],
  ] as const) {
    it(`${argv.join(" ")} is refused with exit 2 and the usage`, async () => {
      const host = await run(argv);
      assert.deepEqual(host.process.exitCodes, [2]);
      assert.match(host.err, reason);
      assert.match(host.err, /Usage: demo \[flags\]/);
      assert.equal(host.out, "");
    });
  }

  it("--allow-private-targets is unknown to services that do not declare it", async () => {
    const host = new Run();
    const { extraFlags: _, ...service } = demoService(0);
    await runService(service, ["--allow-private-targets"], host);
    assert.deepEqual(host.process.exitCodes, [2]);
    assert.match(host.err, /unknown flag --allow-private-targets/);
  });
});

describe("--check-config", () => {
  it("prints the effective configuration without secrets and exits 0", async () => {
    const host = await run(["--config", file, "--check-config", "--allow-private-targets"]);
    assert.deepEqual(host.process.exitCodes, [0]);
    assert.deepEqual(parse(host.out), {
      port: 0,
      greeting: "hello",
      password: "<redacted>",
      admin: { host: "127.0.0.1", port: 0 },
      log: { level: "info", format: "json" },
      telemetry: { traces: { sampleRatio: 1, dataPlaneSampleRatio: 0 } },
      drainTimeout: 30_000,
      workers: 1,
      drainDelay: 0,
      allowPrivateTargets: true,
    });
    assert.equal(host.err, "");
    assert.deepEqual(host.logged, []);
  });

  it("prints every problem to stderr and exits 2", async () => {
    await configure({ port: "x", pasword: PASSWORD });
    const host = await run(["--config", file, "--check-config"]);
    assert.deepEqual(host.process.exitCodes, [2]);
    assert.deepEqual(host.err.split("\n"), [
      `demo: ${file}: 3 problems`,
      "  port: must be a port number from 0 to 65535",
      "  password: required (string)",
      '  pasword: unknown key, did you mean "password"?',
      "",
    ]);
    assert.equal(host.out, "");
  });

  it("says that a file is missing", async () => {
    const host = await run(["--config", join(folder, "none.yaml"), "--check-config"]);
    assert.deepEqual(host.process.exitCodes, [2]);
    assert.match(host.err, /none\.yaml: 1 problem\n {2}\(file\): there is no such file\n$/);
  });
});

describe("serving", () => {
  it("composes app, admin server, metrics, log and lifecycle", async () => {
    const host = await run(["--config", file]);
    const { port } = await host.logs("greeting");
    const { port: adminPort } = await host.logs("serving health and metrics");
    const admin = `http://127.0.0.1:${adminPort}`;
    assert.equal(await greet(Number(port)), "hello");
    assert.deepEqual(await (await fetch(`${admin}/readyz`)).json(), {
      ready: true,
      apps: { demo: { ready: true, details: { greeting: "hello" } } },
    });
    assert.match(await (await fetch(`${admin}/metrics`)).text(), /^fleet_build_info\{version="1\.2\.3"\} 1$/m);
    assert.equal(await host.stop(), 0);
    await assert.rejects(fetch(`${admin}/healthz`));
    await assert.rejects(greet(Number(port)));
    assert.ok(!JSON.stringify(host.logged).includes(PASSWORD));
  });

  it("reloads on SIGHUP, keeps going on a bad file, and counts both", async () => {
    const host = await run(["--config", file]);
    const port = Number((await host.logs("greeting")).port);
    const adminPort = Number((await host.logs("serving health and metrics")).port);
    await configure({ port: 0, password: PASSWORD, greeting: "moin", admin: { port: 0 } });
    host.process.emit("SIGHUP");
    await host.logs("configuration reloaded");
    assert.equal(await greet(port), "moin");
    await configure({ port: 0, gretting: "ahoy" });
    host.process.emit("SIGHUP");
    const refusal = await host.logs("configuration refused, the running one stays in force");
    assert.deepEqual(refusal.problems, [
      { path: "password", reason: "required (string)" },
      { path: "gretting", reason: 'unknown key, did you mean "greeting"?' },
    ]);
    assert.equal(await greet(port), "moin");
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    assert.match(metrics, /^fleet_config_reloads_total\{outcome="OK"\} 1$/m);
    assert.match(metrics, /^fleet_config_reloads_total\{outcome="CONFIG_INVALID"\} 1$/m);
    assert.equal(await host.stop(), 0);
  });

  it("says that a changed admin address needs a restart", async () => {
    const host = await run(["--config", file]);
    await configure({ port: 0, password: PASSWORD, admin: { port: 1 } });
    host.process.emit("SIGHUP");
    await host.logs("changes of admin, log and telemetry take effect at the next start");
    assert.equal(await host.stop(), 0);
  });

  it("uses a reloaded drain timeout", async () => {
    const host = await run(["--config", file]);
    await configure({ port: 0, password: PASSWORD, admin: { port: 0 }, drainTimeout: "1234ms" });
    host.process.emit("SIGHUP");
    await host.logs("configuration reloaded");
    assert.equal(await host.stop(), 0);
    assert.equal((await host.logs("stopping: not ready, accepting nothing new")).drainTimeoutMs, 1234);
  });
});

describe("admin port", () => {
  it("gives way to a free one when the default is taken, and does not when asked for", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const taken = (other.address() as AddressInfo).port;
    await configure({ port: 0, password: PASSWORD });
    const yielding = await run(["--config", file], taken);
    const line = await yielding.logs("the default admin port is taken, serving health and metrics on a free one");
    assert.equal((await fetch(`http://127.0.0.1:${line.port}/readyz`)).status, 200);
    assert.equal(await yielding.stop(), 0);

    await configure({ port: 0, password: PASSWORD, admin: { port: taken } });
    const insisting = await run(["--config", file]);
    assert.deepEqual(insisting.process.exitCodes, [1]);
    const failure = insisting.logged.find(({ level }) => level === "error")!;
    assert.equal(failure.code, "BIND_FAILED");
    assert.match(
      String(failure.msg),
      new RegExp(`^start failed: the admin address 127\\.0\\.0\\.1 port ${taken} cannot be bound: .*EADDRINUSE`),
    );
    other.close();
  });
});

async function greet(port: number): Promise<string> {
  const { connect } = await import("node:net");
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  let text = "";
  for await (const part of socket) text += part;
  return text;
}
