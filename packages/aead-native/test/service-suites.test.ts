import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { runProgram } from "@shadowfleet/testkit";
import { missingCompiler, testAddonPath, withAddon } from "./test-addon.ts";

const SERVICES = join(import.meta.dirname, "../../../services");
const PRELOAD = pathToFileURL(join(import.meta.dirname, "use-native.ts")).href;
const FILES = ["udp-relay/test/echo.test.ts", "tcp-relay/test/echo.test.ts", "gateway/test/udp.test.ts"];

describe("the services on native sockets", { skip: missingCompiler ?? false }, () => {
  it("pass their tests", async () => {
    const files = globSync(FILES, { cwd: SERVICES }).map((file) => join(SERVICES, file));
    const args = ["--import", PRELOAD, "--test", ...files];
    const { code, stdout, stderr } = await runProgram(process.execPath, args, { env: withAddon(testAddonPath()), deadlineMs: 240_000 });
    assert.equal(code, 0, `${stdout}${stderr}`);
    const opened = [...stdout.toString().matchAll(/^(\d+) native sockets$/gm)].map(([, count]) => Number(count));
    assert.equal(opened.filter((count) => count > 0).length, files.length, opened.join(" "));
    assert.match(stdout.toString(), /^\S* ?fail 0$/m);
  });
});
