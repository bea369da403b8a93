import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { engineMissingReason, eventually } from "@shadowfleet/testkit";
import { COMPOSE_FOLDER, ComposeProject } from "./compose-project.ts";

const reason = engineMissingReason({ compose: true });
const START_WITHIN_MS = 60_000;

const ASK_READINESS = (port: number): string =>
  `fetch("http://127.0.0.1:${port}/readyz").then(async (answer) => console.log(answer.status, await answer.text()));`;

/** Each service is started alone: what is wrong with it does not wait for the rest. */
describe("what an operator can get wrong", reason === undefined ? { timeout: 280_000 } : { skip: reason }, () => {
  let project: ComposeProject;

  before(async () => {
    project = await ComposeProject.create("compose.yaml");
  });
  afterEach(async () => void (await project.compose("rm", "--stop", "--force", "gateway", "management-1", "tcp-relay", "redis")));
  after(() => project?.[Symbol.asyncDispose]());

  const alone = (...services: readonly string[]): readonly string[] => ["up", "--detach", "--no-deps", ...services];
  const configOf = (service: string): string => readFileSync(join(COMPOSE_FOLDER, "config", `${service}.yaml`), "utf8");

  /** Starts a service that cannot start and gives what it says until it is started again. */
  async function complaintOf(service: string, extraFiles: readonly string[] = []): Promise<string> {
    const { code, stderr } = await project.run(alone(service), extraFiles);
    assert.equal(code, 0, stderr);
    await eventually(`a restart of ${service}`, async () => (await project.container(service)).RestartCount > 0, START_WITHIN_MS);
    return await project.logs(service);
  }

  test("secrets that nobody made yet", async () => {
    const [failed] = (await complaintOf("gateway")).split("\n").filter((line) => line.includes('"code":"CONFIG_INVALID"'));
    assert.match(failed ?? "", /"path":"store\.passwordFile","reason":"cannot be read: ENOENT"/);
    assert.match(failed ?? "", /"msg":"start failed: \/run\/secrets\/shadowfleet\/redis-password: 1 problem"/);
  });

  describe("with secrets", () => {
    before(async () => void (await project.compose("up", "--no-log-prefix", "bootstrap")));

    test("a port of this machine that somebody else has", async () => {
      await using other = createServer().listen(project.gatewayPort, "127.0.0.1");
      await once(other, "listening");
      const { code, stderr } = await project.run(alone("gateway"));
      assert.equal(code, 1);
      const [line] = stderr.trimEnd().split("\n").slice(-1);
      assert.match(
        line ?? "",
        new RegExp(`${project.name}-gateway-1 .*127\\.0\\.0\\.1:${project.gatewayPort}: bind: address already in use$`),
      );
    });

    test("a setting that is spelt wrong", async () => {
      const file = project.withConfig("gateway", configOf("gateway").replace("port: 1080", "prt: 1080"));
      const [first, second] = (await complaintOf("gateway", [file])).split("\n");
      assert.equal(first, "gateway: /etc/shadowfleet/config.yaml: 1 problem");
      assert.equal(second, '  listen.prt: unknown key, did you mean "port"?');
    });

    test("a setting that is missing", async () => {
      const file = project.withConfig("tcp-relay", configOf("tcp-relay").replace(/^ {2}store: .*\n/m, ""));
      const [first, second] = (await complaintOf("tcp-relay", [file])).split("\n");
      assert.equal(first, "tcp-relay: /etc/shadowfleet/config.yaml: 1 problem");
      assert.match(second ?? "", /^ {2}fleet\.store: required/);
    });

    test("no Redis when management starts: it waits, says why it is not ready, and is once Redis is there", async () => {
      await project.compose(...alone("management-1", "tcp-relay"));
      const readiness = async (service: string, port: number): Promise<string> =>
        (await project.evaluate(service, ASK_READINESS(port)).catch(() => "")).trim();
      await eventually("management to say why", async () => /"store":"away"/.test(await readiness("management-1", 9104)), START_WITHIN_MS);
      await eventually("the relay to say why", async () => /"management":"away"/.test(await readiness("tcp-relay", 9101)), START_WITHIN_MS);
      assert.match(await readiness("management-1", 9104), /^503 .*"configuration":"not known yet"/);
      assert.match(await readiness("tcp-relay", 9101), /^503 .*"configuration":"none yet"/);
      const complaints = async (): Promise<string[]> =>
        (await project.logs("management-1")).split("\n").filter((line) => line.includes("the shared store does not answer"));
      await eventually("the log to say so", async () => (await complaints()).length > 0, START_WITHIN_MS);

      await project.compose(...alone("redis"));
      for (const [service, port] of [
        ["management-1", 9104],
        ["tcp-relay", 9101],
      ] as const) {
        await eventually(`${service} to be ready`, async () => (await readiness(service, port)).startsWith("200 "), START_WITHIN_MS);
        assert.equal((await project.container(service)).RestartCount, 0, service);
      }
      const lines = await complaints();
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", /"code":"STORE_UNAVAILABLE"/);
    });
  });
});
