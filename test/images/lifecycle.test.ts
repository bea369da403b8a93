import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { describe, test } from "node:test";
import { engineMissingReason, eventually, runProgram, serviceImage } from "@shadowfleet/testkit";
import { CONFIGS, configFolder, HARDENED, SERVICES, ServiceContainer } from "./service-container.ts";

const skip = engineMissingReason() ?? false;
const HEALTHY_DEADLINE_MS = 60_000;
const RUN = { deadlineMs: 60_000 };
/** Far below the 10 s after which an engine kills: nothing holds a service up that has no sessions. */
const STOP_LIMIT_MS = 5_000;

describe("a service in its image", { skip }, () => {
  for (const name of SERVICES) {
    test(`${name}: ready and healthy with nothing to write to and no privileges; SIGTERM ends process 1 with exit code 0`, async () => {
      await using container = await ServiceContainer.start(name);
      await container.untilReady();
      await eventually(`health of ${name}`, async () => (await container.state()).Health?.Status === "healthy", HEALTHY_DEADLINE_MS);
      const check = (await container.state()).Health?.Log.find(({ ExitCode }) => ExitCode === 0);
      assert.match(check?.Output ?? "", /"ready":true/);

      assert.match(await container.evaluate('fs.readFileSync("/proc/1/status", "utf8")'), /^Uid:\t65532\t65532\t65532\t65532$/m);
      const { exitCode, ms } = await container.stop();
      assert.equal(exitCode, 0, await container.logs());
      assert.ok(ms < STOP_LIMIT_MS, `it took ${ms} ms`);
    });
  }

  test("the health check fails while the service is not ready, and says why", async () => {
    await using container = await ServiceContainer.start("gateway", { listen: { host: "0.0.0.0" } });
    await eventually("an answer", async () => (await container.readiness()) !== undefined, HEALTHY_DEADLINE_MS);
    assert.equal((await container.readiness())?.status, 503);
    const { code, stdout } = await runProgram("docker", ["exec", container.id, "node", "/app/health.js", "9103"]);
    assert.equal(code, 1);
    assert.match(stdout.toString(), /"ready":false/);
    const elsewhere = await runProgram("docker", ["exec", container.id, "node", "/app/health.js", "9199"]);
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.stdout.toString(), /ECONNREFUSED/);
  });

  for (const name of ["gateway", "tcp-relay", "udp-relay"] as const) {
    test(`${name} has the native accelerator for its Node and libc in it`, async () => {
      await using container = await ServiceContainer.start(name);
      await container.untilReady();
      assert.match((await container.readiness())?.body ?? "", /"aead":"native"/);
    });
  }

  test("SIGHUP reads the configuration again in process 1", async () => {
    await using container = await ServiceContainer.start("tcp-relay");
    await container.untilReady();
    const { code } = await runProgram("docker", ["kill", "--signal=HUP", container.id]);
    assert.equal(code, 0);
    await eventually("the reload", async () => /"msg":"[^"]*reload/.test(await container.logs()), 10_000);
    assert.equal((await container.state()).Running, true);
  });

  test("any other user works too, as some platforms give one", async () => {
    await using container = await ServiceContainer.start("udp-relay", CONFIGS["udp-relay"], {
      runFlags: [...HARDENED, "--user=1000720000:0"],
    });
    await container.untilReady();
    assert.equal((await container.stop()).exitCode, 0);
  });
});

describe("a service that cannot start", { skip }, () => {
  const runOnce = async (image: string, config: string, args: readonly string[] = []) => {
    const folder = await configFolder(config);
    try {
      const mount = `type=bind,source=${folder},target=/etc/shadowfleet,readonly`;
      const { code, stdout, stderr } = await runProgram("docker", ["run", "--rm", ...HARDENED, "--mount", mount, image, ...args], RUN);
      return { code, stdout: stdout.toString(), stderr: stderr.toString() };
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test("a wrong value: exit code 2 and one line that names it", async () => {
    const { code, stdout, stderr } = await runOnce(await serviceImage("tcp-relay"), "ports: [{ port: 99999, password: a }]\n");
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^tcp-relay: \/etc\/shadowfleet\/config\.yaml: 1 problem\n {2}ports\[0\]\.port: [^\n]+\n$/);
  });

  test("no configuration at all: the same", async () => {
    const { code, stderr } = await runProgram("docker", ["run", "--rm", ...HARDENED, await serviceImage("management")], RUN);
    assert.equal(code, 2);
    assert.equal(stderr.toString(), "management: /etc/shadowfleet/config.yaml: 1 problem\n  (file): there is no such file\n");
  });

  test("an unknown flag: the same", async () => {
    const { code, stderr } = await runOnce(await serviceImage("gateway"), "{}", ["--confg"]);
    assert.equal(code, 2);
    assert.match(stderr, /^gateway: unknown flag --confg, did you mean --config\?\n/);
  });

  test("--version and --check-config work without anything else", async () => {
    const version = await runOnce(await serviceImage("udp-relay"), "{}", ["--version"]);
    assert.deepEqual([version.code, /^udp-relay \d+\.\d+\.\d+ \(Node\.js v26\./.test(version.stdout)], [0, true]);
    const check = await runOnce(await serviceImage("gateway"), "log: { level: warn }", [
      "--config",
      "/etc/shadowfleet/config.yaml",
      "--check-config",
    ]);
    assert.equal(check.code, 0, check.stderr);
    assert.match(check.stdout, /level: warn/);
  });
});
