import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ConfigError, parseWith } from "@shadowfleet/runtime";
import { findProgram, freePort, redisMissingReason, runProgram, startRedis } from "@shadowfleet/testkit";
import { z } from "zod";
import { openStore, parseRedisUrl, storeSchema } from "../src/index.ts";
import { keyRecord, listen, newestRevision, putKey, rejectsAsUnavailable, request } from "./conformance/harness.ts";

const schema = z.strictObject({ store: storeSchema });
const parse = (store: unknown) => parseWith(schema, { store }, "config.yaml").store;

function problemsOf(store: unknown): string[] {
  try {
    parse(store);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ path, reason }) => `${path}: ${reason}`);
  }
  return [];
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "open-store-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

describe("storeSchema", () => {
  it("takes each kind of store", () => {
    assert.deepEqual(parse({ type: "memory" }), { type: "memory" });
    assert.deepEqual(parse({ type: "sqlite", path: "fleet.db" }), { type: "sqlite", path: "fleet.db" });
    assert.deepEqual(parse({ type: "redis", hosts: ["redis.example:6379"] }), {
      type: "redis",
      mode: "single",
      hosts: [{ host: "redis.example", port: 6379 }],
      keyPrefix: "shadowfleet",
    });
    assert.deepEqual(problemsOf({ type: "redis", mode: "sentinel", hosts: ["a:1", "[::1]:2"], sentinelName: "fleet" }), []);
    assert.deepEqual(problemsOf({ type: "redis", mode: "cluster", hosts: ["a:1", "b:2"], tls: {} }), []);
    assert.deepEqual(problemsOf({ type: "redis", url: "rediss://user:pass@redis.example/2" }), []);
  });

  it("lists every problem with its path, and quotes no value", () => {
    const expected: [unknown, RegExp[]][] = [
      [{ type: "mysql" }, [/^store\.type: .*memory.*sqlite.*redis/]],
      [{ type: "sqlite" }, [/^store\.path: required/]],
      [{ type: "redis" }, [/^store\.hosts: give either hosts or url/]],
      [{ type: "redis", url: "http://user:hunter2@x" }, [/^store\.url: must be a URL such as/]],
      [
        { type: "redis", hosts: ["redis"], keyPrfix: "x" },
        [/^store\.hosts\[0\]: must be host:port/, /^store\.keyPrfix: unknown key, did you mean "keyPrefix"/],
      ],
      [{ type: "redis", hosts: ["a:1", "b:2"] }, [/^store\.hosts: must be one server/]],
      [{ type: "redis", mode: "sentinel", hosts: ["a:1"] }, [/^store\.sentinelName: required in mode sentinel/]],
      [{ type: "redis", mode: "cluster", url: "redis://a" }, [/^store\.url: names one server/]],
      [{ type: "redis", hosts: ["a:1"], keyPrefix: "{x}" }, [/^store\.keyPrefix: must be 1 to 64/]],
      [{ type: "redis", hosts: ["a:1"], password: "x", passwordFile: "y" }, [/^store\.passwordFile: give either/]],
      [{ type: "redis", hosts: ["a:1"], tls: { certFile: "x" } }, [/^store\.tls: certFile and keyFile belong together/]],
    ];
    for (const [store, patterns] of expected) {
      const problems = problemsOf(store);
      assert.equal(problems.length, patterns.length, problems.join("\n"));
      for (const [at, pattern] of patterns.entries()) assert.match(problems[at]!, pattern);
      assert.doesNotMatch(problems.join("\n"), /hunter2/);
    }
  });
});

describe("parseRedisUrl", () => {
  it("reads host, port, user, password, database and TLS", () => {
    assert.deepEqual(parseRedisUrl("redis://redis.example"), { hosts: [{ host: "redis.example", port: 6379 }] });
    assert.deepEqual(parseRedisUrl("rediss://al%40ice:p%2Fw@[::1]:7000/3"), {
      hosts: [{ host: "::1", port: 7000 }],
      username: "al@ice",
      password: "p/w",
      database: 3,
      tls: {},
    });
    assert.deepEqual(parseRedisUrl("redis://:pw@a/"), { hosts: [{ host: "a", port: 6379 }], password: "pw" });
  });

  it("refuses everything else without quoting it", () => {
    for (const text of ["", "redis.example:6379", "http://a", "redis://a/b", "redis://", "redis://user:hunter2@a:99999"]) {
      assert.throws(
        () => parseRedisUrl(text),
        (error: Error) => error instanceof RangeError && !error.message.includes("hunter2"),
      );
    }
  });
});

describe("openStore", () => {
  it("opens memory and SQLite, sealed when there is a key", async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, "sealing.key"), `${"k".repeat(32)}\n`);
    const configs = [{ type: "memory" }, { type: "sqlite", path: join(dir, "fleet.db"), sealingKeyFile: join(dir, "sealing.key") }];
    for (const config of configs) {
      const store = openStore(parse(config));
      await store.write(putKey("a"));
      assert.equal((await store.readState()).keys.get("a")?.record.secret, "secret of a");
      await store.close();
    }
    const keyless = openStore(parse({ type: "sqlite", path: join(dir, "fleet.db") }));
    t.after(() => keyless.close());
    await rejectsAsUnavailable("reading without the key", () => keyless.readState());
  });

  it("refuses files it cannot use, by the path of their setting", async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, "short"), "too short\n");
    await writeFile(join(dir, "empty"), "\n");
    const redis = { type: "redis", hosts: ["127.0.0.1:1"] };
    const expected: [unknown, RegExp][] = [
      [
        { type: "sqlite", path: join(dir, "a.db"), sealingKeyFile: join(dir, "short") },
        /store\.sealingKeyFile: must hold at least 32 characters/,
      ],
      [{ ...redis, sealingKeyFile: join(dir, "missing") }, /store\.sealingKeyFile: cannot be read: ENOENT/],
      [{ ...redis, passwordFile: join(dir, "empty") }, /store\.passwordFile: the file is empty/],
      [{ ...redis, tls: { caFile: dir } }, /store\.tls\.caFile: cannot be read: EISDIR/],
    ];
    for (const [config, pattern] of expected) {
      assert.throws(
        () => openStore(parse(config)),
        (error: Error) => error instanceof ConfigError && pattern.test(error.message),
      );
    }
  });

  it("opens Redis over TLS as an ACL user who may touch nothing else", { skip: missingForTls() }, async (t) => {
    const dir = await folder(t);
    const certificate = join(dir, "server.crt");
    const privateKey = join(dir, "server.key");
    const subject = ["-subj", "/CN=redis.fleet.test", "-addext", "subjectAltName=DNS:redis.fleet.test", "-days", "2"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    await runProgram("openssl", ["req", "-x509", ...curve, ...subject, "-keyout", privateKey, "-out", certificate]);
    const tlsPort = await freePort();
    const tls = ["--tls-port", tlsPort, "--tls-cert-file", certificate, "--tls-key-file", privateKey, "--tls-ca-cert-file", certificate];
    const server = await startRedis({ args: [...tls.map(String), "--tls-auth-clients", "no"] });
    t.after(() => server.stop());
    const rules = ["on", ">fleet password", "~{tls-test:*", "+@all", "-@admin", "-@dangerous", "+info"];
    await server.cli("ACL", "SETUSER", "fleet", ...rules);
    await server.cli("ACL", "SETUSER", "default", "resetpass", "-@all");
    await writeFile(join(dir, "password"), "fleet password\n");

    const config = {
      type: "redis",
      hosts: [`127.0.0.1:${tlsPort}`],
      username: "fleet",
      passwordFile: join(dir, "password"),
      keyPrefix: "tls-test",
      tls: { caFile: certificate, serverName: "redis.fleet.test" },
    };
    const store = openStore(parse(config));
    t.after(() => store.close());
    const listener = await listen(t, store);
    await store.write(request({ puts: [{ kind: "key", record: keyRecord("a") }], requestId: "r" }));
    await listener.until("the change", (events) => newestRevision(events) === 1);
    await store.ping();

    const refused = [
      { ...config, keyPrefix: "other" },
      { ...config, username: "somebody" },
      { ...config, tls: { ...config.tls, serverName: "another.test" } },
      { ...config, tls: {} },
    ];
    for (const other of refused.map((each) => openStore(parse(each)))) {
      t.after(() => other.close());
      await rejectsAsUnavailable("a ping", () => other.ping());
    }
  });
});

function missingForTls(): string | false {
  if (findProgram("openssl") === undefined) return "openssl not installed";
  return redisMissingReason() ?? false;
}
