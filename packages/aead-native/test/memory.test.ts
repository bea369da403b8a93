import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runProgram } from "@shadowfleet/testkit";
import { missingCompiler, testAddonPath, withAddon } from "./test-addon.ts";

const CONNECTIONS = 200_000;
const GROWTH_MIB = 8;

describe("memory of the native backend", { skip: missingCompiler ?? false }, () => {
  it(`does not grow with ${CONNECTIONS} short connections that nobody closes`, async () => {
    const script = join(import.meta.dirname, "short-connections.ts");
    const { code, stdout, stderr } = await runProgram(process.execPath, [script, String(CONNECTIONS)], {
      env: withAddon(testAddonPath()),
      deadlineMs: 120_000,
    });
    assert.equal(code, 0, stderr.toString());
    const [, , ...resident] = stdout.toString().trim().split("\n").map(Number);
    assert.equal(resident.length, 8);
    // The first two tenths warm up. A context of OpenSSL is about 2 KiB: two for each connection would be some 600 MiB.
    const growth = (resident.at(-1) as number) - (resident[0] as number);
    assert.ok(growth < GROWTH_MIB, `grew by ${growth.toFixed(1)} MiB: ${resident.join(" ")}`);
  });
});
