import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import { ConfigError } from "@shadowfleet/runtime";
import { SecretFolder } from "@shadowfleet/testkit";
import { managementConfig } from "./management-fixture.ts";

const SECRET = `whsec_${randomBytes(32).toString("base64")}`;

it("every wrong webhook is listed with its path", () => {
  using secrets = new SecretFolder();
  const good = secrets.file("good", SECRET);
  const problemsOf = (webhooks: readonly object[]): string[] => {
    try {
      managementConfig({ webhooks });
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.problems.map(({ path, reason }) => `${path}: ${reason}`);
    }
    throw new Error("the configuration was accepted");
  };
  const shapes = problemsOf([{ name: "A b", url: "ftp://x", secretFile: good, types: ["key.gone"], timeout: "2h" }]);
  assert.deepEqual(
    shapes.map((problem) => problem.slice(0, problem.indexOf(":"))),
    ["webhooks[0].name", "webhooks[0].url", "webhooks[0].types[0]", "webhooks[0].timeout"],
  );
  const problems = problemsOf([
    { name: "a", url: "http://me:pass@x", secretFile: good },
    { name: "a", url: "http://x", secretFile: secrets.file("short", "whsec_c2hvcnQ=") },
    {
      name: "b",
      url: "http://x",
      secretFile: "/nowhere",
      caFile: secrets.file("no-pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"),
    },
    { name: "c", url: "http://x", secretFile: secrets.file("three", `${SECRET}\n${SECRET}\n${SECRET}`) },
  ]);
  const expected = [
    /^webhooks\[0\]\.url: must not hold a user name or password/,
    /^webhooks\[1\]\.name: webhook name "a" is used twice$/,
    /^webhooks\[1\]\.secretFile: must hold one or two lines/,
    /^webhooks\[2\]\.secretFile: cannot be read: ENOENT$/,
    /^webhooks\[2\]\.caFile: cannot be used/,
    /^webhooks\[3\]\.secretFile: must hold one or two lines/,
  ];
  assert.equal(problems.length, expected.length, problems.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(problems[index]!, pattern);
  assert.doesNotMatch(problems.join(), /pass@|c2hvcnQ/);
});
