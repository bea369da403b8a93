import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { freePort, type RunningProgram, startEchoTarget, startNodeScript } from "@shadowfleet/testkit";
import { ShadowClient } from "./shadow-client.ts";

const main = new URL("../src/main.ts", import.meta.url);
const method = "chacha20-ietf-poly1305";

describe("the process", () => {
  let folder: string;
  let file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "tcp-relay-"));
    file = join(folder, "config.json");
  });
  after(() => rm(folder, { recursive: true }));

  const start = (...flags: string[]): RunningProgram => startNodeScript(main, ["--config", file, ...flags]);
  const configure = (data: unknown) => writeFile(file, JSON.stringify(data));

  test("--check-config prints the effective configuration without secrets", async () => {
    await configure({ port_password: { "8388": "very secret" }, method, timeout: 77 });
    await using program = start("--check-config");
    assert.equal((await program.exited).code, 0);
    assert.match(program.output, /idleTimeoutMs: 77000/);
    assert.match(program.output, /chacha20-ietf-poly1305/);
    assert.ok(!program.output.includes("very secret"));
  });

  test("a bad configuration ends it with 2 and every problem", async () => {
    await configure({
      ports: [
        { port: 1, method: "rot13", password: "x" },
        { port: 1, password: "y" },
      ],
    });
    await using program = start();
    assert.equal((await program.exited).code, 2);
    assert.match(program.output, /ports\[0\]\.method: unknown method "rot13"/);
    assert.match(program.output, /ports\[1\]\.port: port 1 is already configured/);
  });

  test("the ancestor's file serves; SIGHUP reloads, a bad file changes nothing; SIGTERM drains and exits 0", {
    timeout: 30_000,
  }, async () => {
    await using target = await startEchoTarget();
    const port = await freePort();
    const classic = { server: "127.0.0.1", method, admin: { port: 0 }, log: { level: "info" }, workers: 4 };
    const passwords = (password: string) => configure({ ...classic, port_password: { [port]: password } });
    const echo = async (secret: string) => {
      using client = await ShadowClient.open({ port, method, secret, target, payload: Buffer.from("hello") });
      assert.equal((await client.receive(5)).toString(), "hello");
    };
    await passwords("first");
    await using program = start("--allow-private-targets");
    await program.waitForLine(/"port open"/);
    await program.waitForLine(/ignored in this file format: workers/);
    await program.waitForLine(/private targets are allowed/);
    await echo("first");
    await passwords("second");
    program.signal("SIGHUP");
    await program.waitForLine(/configuration reloaded/);
    await echo("second");
    await configure({ ...classic, port_password: { [port]: 5 } });
    program.signal("SIGHUP");
    await program.waitForLine(/configuration refused/);
    await echo("second");
    assert.deepEqual(await program.stop(10_000), { code: 0, signal: null });
  });
});
