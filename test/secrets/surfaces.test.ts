import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { missingProgramsReason, redisMissingReason, runProgram } from "@shadowfleet/testkit";
import { knockOnDoors, makeResources, passTraffic, provokeApiErrors, reloadBadFiles, troubleRedis } from "./drive.ts";
import { PlantedFleet } from "./planted-fleet.ts";
import * as planted from "./planted-secrets.ts";
import { adminPages, viewerAnswers } from "./shown.ts";

const reason = redisMissingReason() ?? missingProgramsReason(["openssl", "curl"], "openssl and curl");
const PATIENCE = { deadlineMs: 60_000 };
const SERVICES = join(import.meta.dirname, "../../services");

/** One fleet with planted secrets lives through everything first; each test then looks through one of the places where they might show. */
describe("no planted secret shows", reason === undefined ? {} : { skip: reason }, () => {
  let fleet: PlantedFleet;
  let saidByApi: string;
  let saidAtDoors: string;
  let saidToClients: string;
  let saidInTrouble: string;

  before(async () => {
    fleet = await PlantedFleet.start();
    await makeResources(fleet);
    [saidToClients, saidByApi] = await Promise.all([passTraffic(fleet), provokeApiErrors(fleet)]);
    saidAtDoors = await knockOnDoors(fleet);
    await reloadBadFiles(fleet);
    saidInTrouble = await troubleRedis(fleet);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  /** `expected` proves that what should have been there to look through was there. */
  const assertClean = (where: string, text: string | Buffer, expected: readonly RegExp[]): void => {
    for (const pattern of expected) assert.match(text.toString("latin1"), pattern, `${where} is not what it should be`);
    assert.deepEqual(planted.secretsIn(text, fleet.secrets), [], where);
  };

  test("in the logs, at level debug, after traffic, errors, bad files and a Redis that refuses", () => {
    const expected: Readonly<Record<string, readonly RegExp[]>> = {
      management: [
        /"level":"debug"/,
        /secrets of all access keys shown/,
        /NOT_AUTHENTICATED/,
        /call served/,
        /CONFIG_INVALID/,
        /WRONGPASS/,
      ],
      "tcp-relay": [/CONFIG_INVALID/, /AUTH_FAILED/, /WRONGPASS/],
      "udp-relay": [/CONFIG_INVALID/],
      gateway: [/CONFIG_INVALID/, /PROXY_AUTH_FAILED/],
      "classic relay": [/CONFIG_INVALID/, /AUTH_FAILED/],
      "lone gateway": [/CONFIG_INVALID/, /TARGET_|DIAL_|UPSTREAM_/],
    };
    for (const [name, { program }] of fleet.processes) assertClean(`the log of ${name}`, program.output, expected[name] ?? []);
  });

  test("on the admin ports", async () => {
    assertClean("an admin port", await adminPages(fleet), [/fleet_build_info/, /"ready":true/, /^ok$/m, /not found/]);
  });

  test("in traces", () => {
    assertClean("a span", fleet.receiver.text, [/CreateAccessKey/, /proxy tcp/, /writeConfiguration/]);
  });

  test("in errors of the API and of UDP management", () => {
    assertClean("an error", saidByApi, [/NOT_AUTHENTICATED/, /NOT_PERMITTED/, /INVALID_REQUEST/, /err|not available/]);
    assert.doesNotMatch(saidByApi, /^OK$/m, "every call had to fail");
    assertClean("an error while Redis was in trouble", saidInTrouble, [/"ready":true/]);
    assert.doesNotMatch(saidInTrouble, /^OK$/m, "every write had to fail");
  });

  test("in errors of the doors over HTTP", () => {
    assertClean("an answer", saidAtDoors, [/HTTP\/1\.1 401 /, /HTTP\/1\.1 403 /, /HTTP\/1\.1 404 /, /HTTP\/1\.1 400 /, /"error":/]);
    assert.doesNotMatch(saidAtDoors, /^HTTP\/1\.1 2/m, "every request had to fail");
  });

  test("to clients of gateways and to strangers at relays", () => {
    assertClean("an answer", saidToClients, [/407 /, /502 |504 |503 /]);
  });

  test("to viewers, whatever they list", async () => {
    assertClean("a list", await viewerAnswers(fleet), [/"carol"/, /"declared"/, /"carols"/, /"tcp-relay"/]);
  });

  test("in the command lines and environments of the processes", () => {
    for (const [name, { program }] of fleet.processes) {
      assertClean(`the command line of ${name}`, readFileSync(`/proc/${program.pid}/cmdline`), [/--config/]);
      assertClean(`the environment of ${name}`, readFileSync(`/proc/${program.pid}/environ`), [/PATH=/]);
    }
  });

  test("in Redis, where a sealing key is configured", () => {
    const folder = join(fleet.redis.dir, "appendonlydir");
    const content = Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))));
    assertClean("Redis", content, [/carol/, /sealed:1:/]);
  });

  test("in what --check-config prints, of good files and of bad ones", async () => {
    const main = (service: string) => join(SERVICES, service, "src/main.ts");
    const kinds = { management: "management", "tcp-relay": "tcp-relay", "lone gateway": "gateway" };
    for (const [name, service] of Object.entries(kinds)) {
      const good = await runProgram(
        process.execPath,
        [main(service), "--config", fleet.process(name).configFile, "--check-config"],
        PATIENCE,
      );
      assert.equal(good.code, 0, `${name}: ${good.stderr}`);
      assertClean(`the configuration of ${name}`, Buffer.concat([good.stdout, good.stderr]), [/<redacted>/]);
    }
    const bad = fleet.files.file(
      "bad.yaml",
      `ports:\n  - { port: 1, password: ${planted.MISPLACED_SECRET}, keys: ${planted.MISPLACED_SECRET} }\n`,
    );
    const refused = await runProgram(process.execPath, [main("tcp-relay"), "--config", bad, "--check-config"], PATIENCE);
    assert.equal(refused.code, 2);
    assertClean("a refusal", Buffer.concat([refused.stdout, refused.stderr]), [/ports\[0\]/]);
  });

  test("in what the command line tool says when it fails", async () => {
    const { tls } = fleet.access("wrong");
    const files = ["--ca", tls.caFile, "--cert", tls.certFile, "--cert-key", tls.keyFile];
    const flags = ["--server", `127.0.0.1:${fleet.ports.management}`, ...files];
    const cli = join(SERVICES, "cli/src/main.ts");
    const failed = await runProgram(process.execPath, [cli, "key", "list", "--token-file", fleet.path("wrong.token"), ...flags], PATIENCE);
    assert.notEqual(failed.code, 0);
    assertClean("the tool's error", Buffer.concat([failed.stdout, failed.stderr]), [/NOT_AUTHENTICATED|not one of this fleet/]);
  });
});

test("the check can fail: every form of a secret is found inside of other text", () => {
  const secrets = planted.plantedSecrets([]);
  const text = planted.ADMIN_TOKEN;
  for (const shown of [
    `{"token":"${text}"}`,
    Buffer.from(`user:${text}`).toString("base64"),
    Buffer.from(`${text}@host`).toString("base64url"),
    Buffer.from(`xy${text}`).toString("hex"),
    Buffer.from(text).toString("hex").toUpperCase(),
  ])
    assert.equal(
      planted.secretsIn(`before ${shown} after`, secrets).some((found) => found.startsWith("ADMIN_TOKEN")),
      true,
      shown,
    );
  const bytes = Buffer.from(planted.DECLARED_KEY, "base64");
  assert.notDeepEqual(planted.secretsIn(Buffer.concat([Buffer.alloc(3, 0xff), bytes]), secrets), []);
  assert.deepEqual(planted.secretsIn("nothing of it, not even planted-admin-token", secrets), []);
});
