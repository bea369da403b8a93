import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { freePort, startNodeScript } from "@shadowfleet/testkit";

const ROOT = join(import.meta.dirname, "../..");
const START_DEADLINE_MS = 60_000;

interface Account {
  /** Log lines that say what encrypts. */
  readonly lines: readonly string[];
  readonly readyz: string;
  readonly metrics: string;
}

/** What a service says of its ciphers, started with this SHADOWFLEET_AEAD. */
async function accountOf(service: string, config: object, wanted: string): Promise<Account> {
  const folder = mkdtempSync(join(tmpdir(), "shadowfleet-"));
  try {
    const port = await freePort();
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify({ ...config, admin: { host: "127.0.0.1", port } }));
    const script = join(ROOT, "services", service, "src/main.ts");
    await using program = startNodeScript(script, ["--config", file], { env: { SHADOWFLEET_AEAD: wanted } });
    await program.waitForLine(/"encrypting with/, START_DEADLINE_MS);
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    const [readyz, metrics] = await Promise.all([ask("/readyz"), ask("/metrics")]);
    await program.stop();
    return { lines: program.lines.filter((line) => line.includes('"encrypting with')), readyz, metrics };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SERVICES: Readonly<Record<string, () => Promise<object>>> = {
  "tcp-relay": async () => ({ server: "127.0.0.1", server_port: await freePort(), method: "aes-256-gcm", password: "p" }),
  "udp-relay": async () => ({ server: "127.0.0.1", server_port: await freePort(), method: "aes-256-gcm", password: "p" }),
  gateway: async () => ({ listen: { host: "127.0.0.1", port: await freePort() }, upstreams: ["ss://aes-256-gcm:p@127.0.0.1:9"] }),
};

describe("what encrypts in a process", () => {
  for (const [service, config] of Object.entries(SERVICES)) {
    it(`is said once in the log of ${service}, in its metrics and its readiness`, async () => {
      const { lines, readyz, metrics } = await accountOf(service, await config(), "node");
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /"level":"info".*"aead":"node:crypto","reason":"SHADOWFLEET_AEAD says so"/);
      assert.match(readyz, /"aead":"node:crypto"/);
      assert.match(metrics, /^fleet_aead_backend\{backend="node:crypto"\} 1$/m);
    });
  }

  it("is one and the same in all three places where nobody asks for anything", async () => {
    const { lines, readyz, metrics } = await accountOf("tcp-relay", await SERVICES["tcp-relay"]!(), "auto");
    const [, name = "none"] = /"aead":"([^"]+)"/.exec(lines[0] ?? "") ?? [];
    assert.match(name, /^(native|node:crypto)$/);
    assert.ok(readyz.includes(`"aead":"${name}"`) && metrics.includes(`fleet_aead_backend{backend="${name}"} 1`));
  });
});
