import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findMethod } from "@shadowfleet/wire";
import { parse } from "yaml";
import { redactedConfigYaml } from "../src/index.ts";

describe("redactedConfigYaml", () => {
  const secret = Buffer.alloc(16, 0xa5);
  const method = findMethod("2022-blake3-aes-128-gcm")!;
  const credential = { method, key: secret, identityKeys: [secret], identityHash: secret };

  it("prints everything but the secrets", () => {
    const config = Object.freeze({
      ports: [{ host: "::", port: 8388, keys: [{ id: "alice", name: "Alice", credential }], identityKey: secret }],
      upstreams: new Map([["a", { host: "192.0.2.1", port: 8388, credential, uri: "ss://YWVzOnB3@192.0.2.1:8388" }]]),
      users: [{ name: "bob", password: "hunter2" }],
      idleTimeoutMs: 300_000,
      identityless: undefined,
      allowTargets: ["10.0.0.0/8"],
      warnings: [],
      log: { level: "info", format: "json" },
    });
    const yaml = redactedConfigYaml(config);
    assert.deepEqual(parse(yaml), {
      ports: [
        {
          host: "::",
          port: 8388,
          keys: [{ id: "alice", name: "Alice", credential: { method: method.name, key: "<redacted>" } }],
          identityKey: "<redacted>",
        },
      ],
      upstreams: {
        a: { host: "192.0.2.1", port: 8388, credential: { method: method.name, key: "<redacted>" }, uri: "ss://<redacted>@192.0.2.1:8388" },
      },
      users: [{ name: "bob", password: "<redacted>" }],
      idleTimeoutMs: 300_000,
      allowTargets: ["10.0.0.0/8"],
      warnings: [],
      log: { level: "info", format: "json" },
    });
    for (const trace of ["165", "a5a5", "hunter2", "YWVz", secret.toString("base64")]) assert.ok(!yaml.includes(trace), trace);
  });

  it("leaves nothing out of a large one", () => {
    const ports = Array.from({ length: 500 }, (_, index) => ({ port: 8000 + index, password: "hunter2" }));
    const printed = parse(redactedConfigYaml({ ports })) as { ports: { port: number }[] };
    assert.deepEqual(
      printed.ports.map(({ port }) => port),
      ports.map(({ port }) => port),
    );
  });
});
