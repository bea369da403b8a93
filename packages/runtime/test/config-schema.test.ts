import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { ConfigError, commonConfigShape, durationMs, parseWith, portNumber } from "../src/index.ts";

const schema = z.strictObject({
  ports: z
    .array(
      z.strictObject({
        host: z.string().default("::"),
        port: portNumber(),
        method: z.enum(["aes-128-gcm", "aes-256-gcm"]).default("aes-256-gcm"),
        keys: z.array(z.strictObject({ id: z.string(), secret: z.string() })).optional(),
      }),
    )
    .min(1),
  maxConnections: z.union([z.literal("auto"), z.int().min(1)]).default("auto"),
  server: z.union([z.string(), z.array(z.string())]).optional(),
  upstream: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("uri"), uri: z.string() }),
    z.strictObject({ kind: z.literal("host"), host: z.string(), secret: z.string() }),
  ]),
  limits: z.record(z.string(), z.strictObject({ rate: z.number() })).optional(),
  policy: z.union([z.strictObject({ name: z.literal("classic") }), z.strictObject({ name: z.string(), window: durationMs() })]).optional(),
  ...commonConfigShape,
});

const good = { ports: [{ port: 8388 }], upstream: { kind: "uri", uri: "ss://x" } };

function problems(data: unknown): Record<string, string> {
  try {
    parseWith(schema, data, "relay.yaml");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return Object.fromEntries(error.problems.map(({ path, reason }) => [path, reason]));
  }
  assert.fail("accepted");
}

describe("parseWith", () => {
  it("returns what the schema makes, with the common defaults", () => {
    const config = parseWith(schema, good, "f");
    assert.deepEqual(config.ports, [{ host: "::", port: 8388, method: "aes-256-gcm" }]);
    assert.deepEqual(config.admin, { host: "127.0.0.1" });
    assert.deepEqual(config.log, { level: "info", format: "json" });
    assert.equal(config.drainTimeout, 30_000);
  });

  it("lists every problem at once, path first", () => {
    const data = {
      ports: [
        { port: "x", hots: 1 },
        { port: 1, method: "aes-256-gmc", keys: [{ id: 5, secret: "s" }] },
      ],
      upstream: { kind: "host", host: "h" },
      limits: { alice: { rate: "fast", rat: 1 } },
      log: { level: "inof", colour: true },
      drainTimeout: 30,
    };
    assert.deepEqual(problems(data), {
      "ports[0].port": "must be a port number from 1 to 65535",
      "ports[0].hots": 'unknown key, did you mean "host"?',
      "ports[1].method": 'expected one of aes-128-gcm, aes-256-gcm; did you mean "aes-256-gcm"?',
      "ports[1].keys[0].id": "expected string, received number; put it in quotes",
      "upstream.secret": "required (string)",
      "limits.alice.rate": "expected number, received string",
      "limits.alice.rat": 'unknown key, did you mean "rate"?',
      "log.level": 'expected one of trace, debug, info, warn, error, silent; did you mean "info"?',
      "log.colour": "unknown key; known here: level, format",
      drainTimeout: 'has no unit: write "30s" if that is meant, or a duration such as "250ms", "5s", "5m", "1h" or "2d"',
    });
  });

  it("puts one problem a line in the message, after the file's name", () => {
    assert.throws(() => parseWith(schema, { ...good, prots: [], drain_timeout: "1s" }, "relay.yaml"), {
      name: "ConfigError",
      code: "CONFIG_INVALID",
      message:
        'relay.yaml: 2 problems\n  prots: unknown key, did you mean "ports"?\n  drain_timeout: unknown key, did you mean "drainTimeout"?',
    });
  });

  it("explains alternatives by the nearest one", () => {
    assert.deepEqual(problems({ ...good, maxConnections: "lots" }), { maxConnections: 'expected "auto" or number' });
    assert.deepEqual(problems({ ...good, maxConnections: 0 }), { maxConnections: "too small: expected number to be >=1" });
    assert.deepEqual(problems({ ...good, server: 5 }), { server: "expected string or array" });
    assert.deepEqual(problems({ ...good, server: ["a", 5] }), { "server[1]": "expected string, received number; put it in quotes" });
    assert.deepEqual(problems({ ...good, policy: { name: "latency", windw: "1s", window: "2s" } }), {
      "policy.windw": 'unknown key, did you mean "window"?',
    });
  });

  it("refuses what is no object", () => {
    assert.deepEqual(problems([]), { "(top level)": "expected object, received array" });
    assert.deepEqual(problems(null), { "(top level)": "expected object, received null" });
  });

  it("quotes no value", () => {
    const secret = "hunter2";
    const data = { ports: [{ port: secret, method: secret, keys: secret }], upstream: { kind: secret }, log: secret, drainTimeout: secret };
    assert.ok(!JSON.stringify(problems(data)).includes(secret));
  });
});
