import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { docker, engineMissingReason } from "../src/container-engine.ts";

/** A docker of the test's own, in place of the machine's: a shell script under that name. */
describe("whether an engine can be used", () => {
  const { PATH, CI, REQUIRE_CONTAINERS } = process.env;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "shadowfleet-docker-"));
  });
  beforeEach(() => {
    process.env.PATH = `${folder}:/usr/bin:/bin`;
    delete process.env.CI;
    delete process.env.REQUIRE_CONTAINERS;
  });
  after(async () => {
    Object.assign(process.env, { PATH, ...(CI ? { CI } : {}), ...(REQUIRE_CONTAINERS ? { REQUIRE_CONTAINERS } : {}) });
    await rm(folder, { recursive: true });
  });

  const pretend = (script: string): Promise<void> => writeFile(join(folder, "docker"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  test("without the program", () => {
    process.env.PATH = join(folder, "nothing");
    assert.equal(engineMissingReason(), "docker is not installed");
  });

  test("with the program and no engine behind it, in the program's words", async () => {
    await pretend('echo "Cannot connect to the Docker daemon" >&2; echo "more" >&2; exit 1');
    assert.equal(engineMissingReason(), "no container engine answers: Cannot connect to the Docker daemon");
  });

  test("an engine answers; compose is asked for only where it is needed", async () => {
    await pretend('[ "$1" = version ] && echo 20.10.24');
    assert.equal(engineMissingReason(), undefined);
    assert.equal(engineMissingReason({ compose: true }), "docker has no compose plugin (version 2)");
    await pretend("exit 0");
    assert.equal(engineMissingReason({ compose: true }), undefined);
  });

  for (const variable of ["CI", "REQUIRE_CONTAINERS"]) {
    test(`with ${variable} set, a missing engine is an error`, async () => {
      await pretend("echo down >&2; exit 1");
      process.env[variable] = "1";
      assert.throws(() => engineMissingReason(), /^Error: no container engine answers: down$/);
    });
  }

  test("a command's output, or its failure with what it said", async () => {
    await pretend('[ "$1" = ps ] && { echo " two words "; exit; }; echo "no such command: $1" >&2; exit 7');
    assert.equal(await docker(["ps"]), "two words");
    await assert.rejects(docker(["dance", "well"]), /^Error: docker dance well ended with 7:\nno such command: dance/);
  });
});
