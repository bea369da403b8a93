import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AccessKey } from "@shadowfleet/control-api";
import { eventually, type RunningProgram, runProgram, SecretFolder, startNodeScript } from "@shadowfleet/testkit";
import { call, FleetClients, failureOf } from "./management-fixture.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");
const START_DEADLINE_MS = 30_000;

async function addressOf(program: RunningProgram): Promise<string> {
  const [, port] = await program.waitForLine(/"port":(\d+).*"gRPC API is up"/, START_DEADLINE_MS);
  return `127.0.0.1:${port}`;
}

const idsOf = async (clients: FleetClients) => (await call(clients.keys, "listAccessKeys", {})).accessKeys.map(({ id }) => id);

describe("the management process", () => {
  it("keeps what was created through a kill, takes a changed file on SIGHUP, keeps the running one when it is bad, and drains", async () => {
    using folder = new SecretFolder();
    const declaredFile = folder.file("declared.yaml", "ports: [{ port: 9001 }]\nkeys: [{ id: from-file, port: 9001, secret: s3cret }]\n");
    const config = folder.file(
      "management.yaml",
      `grpc: { port: 0 }\nadmin: { port: 0 }\nstore: { type: sqlite, path: ${folder.path}/fleet.db }\ndeclaredFile: ${declaredFile}\n`,
    );
    {
      await using program = startNodeScript(MAIN, ["--config", config]);
      const clients = new FleetClients({ address: await addressOf(program) });
      await call(clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "created" }) });
      clients.close();
      program.signal("SIGKILL");
      await program.exited;
    }
    await using program = startNodeScript(MAIN, ["--config", config]);
    const clients = new FleetClients({ address: await addressOf(program) });
    try {
      assert.deepEqual(await idsOf(clients), ["created", "from-file"]);
      folder.file("declared.yaml", "ports: [{ port: 9001 }]\nkeys: [{ id: renamed, port: 9001, secret: s3cret }]\n");
      program.signal("SIGHUP");
      await eventually("the new declaration", async () => (await idsOf(clients)).includes("renamed"), 10_000);
      folder.file("declared.yaml", "keys: [{ id: homeless, port: 9001, secret: s3cret }]\n");
      program.signal("SIGHUP");
      await program.waitForLine(/port 9001 is not among the declared ports/);
      assert.deepEqual(await idsOf(clients), ["created", "renamed"]);
      assert.ok(!program.output.includes("s3cret"));
    } finally {
      clients.close();
    }
    assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.output);
  });

  it("refuses a bad configuration with every problem and exit code 2, and shows a good one without secrets", async () => {
    using folder = new SecretFolder();
    const bad = folder.file("bad.yaml", "grpc: { host: 0.0.0.0 }\ndefaults: { method: rot13 }\n");
    const refused = await runProgram(process.execPath, [MAIN, "--config", bad]);
    assert.equal(refused.code, 2);
    for (const path of ["grpc.tls", "grpc.tokens", "defaults.method"])
      assert.match(refused.stderr.toString(), new RegExp(`^  ${path}: `, "m"));
    const good = folder.file("good.yaml", "declared: { ports: [{ port: 9001 }], keys: [{ id: alice, port: 9001, secret: s3cret }] }\n");
    const shown = await runProgram(process.execPath, [MAIN, "--config", good, "--check-config"]);
    assert.equal(shown.code, 0, shown.stderr.toString());
    assert.match(shown.stdout.toString(), /alice/);
    assert.doesNotMatch(shown.stdout.toString(), /s3cret/);
  });

  it("ends streams and exits in time while members are connected", async () => {
    using folder = new SecretFolder();
    const config = folder.file("management.yaml", "grpc: { port: 0 }\nadmin: { port: 0 }\n");
    await using program = startNodeScript(MAIN, ["--config", config]);
    const clients = new FleetClients({ address: await addressOf(program) });
    const stream = clients.traffic.watchTraffic({ accessKeyId: "", interval: undefined });
    const ended = new Promise<number | undefined>((resolve) => stream.on("error", (error: { code?: number }) => resolve(error.code)));
    await new Promise((resolve) => stream.once("data", resolve));
    const startedAt = performance.now();
    assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.output);
    assert.ok(performance.now() - startedAt < 3_000);
    assert.equal(await ended, 14, "UNAVAILABLE");
    assert.equal((await failureOf(call(clients.fleet, "getFleet", {}))).status, "UNAVAILABLE");
    clients.close();
  });
});
