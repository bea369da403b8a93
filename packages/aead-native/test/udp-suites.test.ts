import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { runProgram } from "@shadowfleet/testkit";
import { missingCompiler, testAddonPath, withAddon } from "./test-addon.ts";

const SERVICES = join(import.meta.dirname, "../../../services");
const PRELOAD = pathToFileURL(join(import.meta.dirname, "use-native.ts")).href;
/** Those of a service in one process, for which the preload counts; gateway's look at what is open in theirs, so each has its own. */
const RUNS: readonly (readonly [files: string, least: number])[] = [
  ["udp-relay/test/{echo,nat,names,garbage,listening-socket}.test.ts", 60],
  ["gateway/test/udp.test.ts", 10],
  ["gateway/test/udp-port.test.ts", 5],
];

describe("UDP services on native sockets", { skip: missingCompiler ?? false }, () => {
  for (const [pattern, least] of RUNS) {
    it(`pass ${pattern}`, async () => {
      const files = globSync(pattern, { cwd: SERVICES }).map((file) => join(SERVICES, file));
      const args = ["--import", PRELOAD, "--test", "--test-isolation=none", ...files];
      const { code, stdout, stderr } = await runProgram(process.execPath, args, { env: withAddon(testAddonPath()), deadlineMs: 240_000 });
      assert.equal(code, 0, `${stdout}${stderr}`);
      const [, opened = "0"] = /^(\d+) native sockets$/m.exec(stdout.toString()) ?? [];
      assert.ok(Number(opened) >= least, `${opened} native sockets`);
      assert.match(stdout.toString(), /^\S* ?fail 0$/m);
    });
  }
});
