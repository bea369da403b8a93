import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runProgram } from "@shadowfleet/testkit";

const AUDIT = join(import.meta.dirname, "audit.ts");
const PACKAGE = { name: "wanting", version: "1.0.0" };

/** The audit against a registry of the test's own, whose advisories are the test's. */
describe("the audit of dependencies", () => {
  const folder = mkdtempSync(join(tmpdir(), "shadowfleet-audit-"));
  let severity: string | undefined;
  let isAnswering = true;
  const registry = createServer((request, response) => {
    request.resume().on("end", () => {
      const send = (status: number, body: object) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (!isAnswering) return send(405, {});
      if (request.method === "GET") return send(200, { name: PACKAGE.name, versions: { [PACKAGE.version]: PACKAGE } });
      // npm remembers advisories by their number.
      const advisory = {
        id: severity === "high" ? 1 : 2,
        url: "https://example.com/1",
        title: "lets anybody in",
        severity,
        vulnerable_versions: "<2",
      };
      return send(200, severity === undefined ? {} : { [PACKAGE.name]: [advisory] });
    });
  });

  before(async () => {
    await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
    const integrity = `sha512-${"A".repeat(86)}==`;
    const manifest = { name: "audited", version: "1.0.0", dependencies: { [PACKAGE.name]: PACKAGE.version } };
    const packages = { "": manifest, [`node_modules/${PACKAGE.name}`]: { version: PACKAGE.version, integrity } };
    const write = (name: string, data: object) => writeFileSync(join(folder, name), JSON.stringify(data));
    write("package.json", manifest);
    write("package-lock.json", { name: "audited", version: "1.0.0", lockfileVersion: 3, packages });
    writeFileSync(join(folder, ".npmrc"), `registry=http://127.0.0.1:${(registry.address() as AddressInfo).port}\nfetch-retries=0\n`);
  });
  after(() => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function audit(...flags: string[]): Promise<{ readonly code: number | null; readonly said: string }> {
    const env = { npm_config_cache: join(folder, "cache"), npm_config_registry: undefined };
    const { code, stdout, stderr } = await runProgram(process.execPath, [AUDIT, folder, ...flags], { env, deadlineMs: 60_000 });
    return { code, said: `${stdout}${stderr}` };
  }

  test("fails for a grave advisory, names it, and lets a slight one pass", async () => {
    severity = "high";
    const grave = await audit();
    assert.deepEqual([grave.code, /high: wanting \S+: lets anybody in https:\/\/example\.com\/1/.test(grave.said)], [1, true], grave.said);
    severity = "low";
    const slight = await audit();
    assert.deepEqual([slight.code, /1 known vulnerabilities, 0 of them/.test(slight.said)], [0, true], slight.said);
  });

  test("says plainly that nothing was looked for when the registry does not answer; where it must, that is a failure", async () => {
    isAnswering = false;
    const silent = await audit();
    assert.deepEqual([silent.code, /^NOT AUDITED: /m.test(silent.said)], [0, true], silent.said);
    assert.equal((await audit("--required")).code, 1);
    isAnswering = true;
  });
});
