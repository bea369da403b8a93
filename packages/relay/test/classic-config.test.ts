import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "@shadowfleet/runtime";
import { loadRelayConfig } from "../src/load-relay-config.ts";

const load = (data: unknown) => loadRelayConfig({ name: "config.json", data });

function problemsOf(data: unknown): string {
  try {
    load(data);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
  }
  return assert.fail("was accepted");
}

const insecure = { allowInsecureCiphers: true };
const aead = { method: "aes-256-gcm" };
const summary = (data: unknown) =>
  load(data).ports.map(({ host, port, keys }) => [host, port, keys[0]?.id, keys[0]?.credential.method.name, keys.length]);

describe("the ancestor's config.json", () => {
  test("as its repository ships it, with leave for its default method", () => {
    const shipped = {
      server: "127.0.0.1",
      server_port: 8388,
      local_port: 1080,
      local_address: "127.0.0.1",
      password: "foobar",
      timeout: 60,
      method: "aes-128-cfb",
    };
    const config = load({ ...shipped, ...insecure });
    assert.deepEqual(summary({ ...shipped, ...insecure }), [["127.0.0.1", 8388, "8388", "aes-128-cfb", 1]]);
    assert.equal(config.dialect, "classic");
    assert.equal(config.idleTimeoutMs, 60_000);
    assert.match(config.warnings.join("\n"), /ignored in this file format: local_port, local_address/);
  });

  test("port_password: a port each, server_port and password ignored with a note", () => {
    const data = { server_port: 8388, password: "x", port_password: { "8387": "foobar", "8389": "barfoo" }, ...aead };
    assert.deepEqual(summary(data), [
      ["::", 8387, "8387", "aes-256-gcm", 1],
      ["::", 8389, "8389", "aes-256-gcm", 1],
    ]);
    assert.match(load(data).warnings.join("\n"), /server_port and password are ignored/);
    assert.deepEqual(summary({ port_password: {}, server_port: 1, password: "x", ...aead }), [["::", 1, "1", "aes-256-gcm", 1]]);
  });

  test("the method is aes-256-cfb unless said, and the key is the ancestor's", () => {
    const config = load({ server_port: 8388, password: "foobar", ...insecure });
    assert.equal(config.ports[0]?.keys[0]?.credential.method.name, "aes-256-cfb");
    assert.equal(
      config.ports[0]?.keys[0]?.credential.key.toString("hex"),
      "3858f62230ac3c915f300c664312c63f568378529614d22ddb49237d2f60bfdf",
    );
    assert.match(config.warnings.join("\n"), /port 8388 uses aes-256-cfb/);
    assert.equal(
      load({ server_port: 1, password: "x", method: null, ...insecure }).ports[0]?.keys[0]?.credential.method.name,
      "aes-256-cfb",
    );
  });

  test("without leave the refusal names the key to add and the method to move to, once", () => {
    const problems = problemsOf({ port_password: { "1": "a", "2": "b", "3": "c" } });
    assert.equal(problems.split("\n").length, 1, problems);
    assert.match(problems, /^method: aes-256-cfb .*"allowInsecureCiphers": true.*"method": "chacha20-ietf-poly1305"/);
  });

  test("timeout: seconds, 0 never, 300 when absent; our own setting beside it wins", () => {
    const base = { server_port: 1, password: "x", ...aead };
    assert.equal(load({ ...base, timeout: 600 }).idleTimeoutMs, 600_000);
    assert.equal(load({ ...base, timeout: 0 }).idleTimeoutMs, 0);
    assert.equal(load(base).idleTimeoutMs, 300_000);
    assert.equal(load({ ...base, timeout: 600, timeouts: { idle: "7s", dial: "1s" } }).idleTimeoutMs, 7000);
    assert.equal(load({ ...base, timeout: 600, timeouts: { dial: "1s" } }).idleTimeoutMs, 600_000);
    assert.match(problemsOf({ ...base, timeout: "600" }), /^timeout: /m);
    assert.match(problemsOf({ ...base, timeout: -1 }), /^timeout: /m);
  });

  test("server: the address to bind; the first of several; a port in it is ignored", () => {
    const base = { server_port: 1, password: "x", ...aead };
    const hostOf = (server: unknown) => load({ ...base, server }).ports[0]?.host;
    assert.equal(hostOf("0.0.0.0"), "0.0.0.0");
    assert.equal(hostOf("::1"), "::1");
    assert.equal(hostOf(["127.0.0.1", "127.0.0.2"]), "127.0.0.1");
    assert.equal(hostOf(["127.0.0.1:8388"]), "127.0.0.1");
    assert.equal(hostOf("[::1]:8388"), "::1");
    assert.equal(hostOf(null), "::");
    assert.match(problemsOf({ ...base, server: 5 }), /^server: must be a string/m);
  });

  test("unknown keys are ignored with a warning, our settings are taken and checked", () => {
    const data = {
      server_port: 1,
      password: "x",
      ...aead,
      fast_open: true,
      workers: 4,
      limits: { maxConnections: 10 },
      log: { level: "debug" },
    };
    const config = load(data);
    assert.match(config.warnings.join("\n"), /ignored in this file format: fast_open, workers$/m);
    assert.equal(config.maxConnections, 10);
    assert.equal(config.log.level, "debug");
    assert.match(problemsOf({ ...data, limits: { maxConections: 10 } }), /^limits\.maxConections: unknown key/m);
  });

  test("one-time auth is refused, in both its forms, with the reason", () => {
    assert.match(problemsOf({ server_port: 1, password: "x", ...aead, auth: true }), /^auth: one-time auth was removed/m);
    assert.match(
      problemsOf({ server_port: 1, password: "x", method: "aes-256-cfb-auth", ...insecure }),
      /^method: .*one-time auth.*removed/m,
    );
    assert.equal(load({ server_port: 1, password: "x", ...aead, auth: false }).ports.length, 1);
  });

  test("methods that are gone are refused with a better one", () => {
    for (const method of ["des-cfb", "bf-cfb", "cast5-cfb", "rc4", "table"]) {
      assert.match(
        problemsOf({ server_port: 1, password: "x", method, ...insecure }),
        new RegExp(`^method: ${method} is not available.*chacha20-ietf-poly1305`, "m"),
      );
    }
  });

  test("everything wrong is listed at once", () => {
    const problems = problemsOf({
      port_password: { "80000": "a", "8388": 5, "8389": "", "8390": "ok" },
      method: "rot13",
      timeout: "soon",
      auth: true,
      server: {},
      limits: 3,
    });
    for (const path of [
      "port_password.80000",
      "port_password.8388",
      "port_password.8389",
      "method",
      "timeout",
      "auth",
      "server",
      "limits",
    ]) {
      assert.match(problems, new RegExp(`^${path.replace(".", "\\.")}: `, "m"));
    }
  });

  test("a password in the port's place is not quoted", () => {
    const problems = problemsOf({ port_password: { "8388": "x", "a password": 8389 } });
    assert.match(problems, /^port_password \(entry 2\): is not a port number/m);
    assert.doesNotMatch(problems, /a password/);
  });

  test("a client's file misses what a server needs", () => {
    const problems = problemsOf({ local_port: 1080, server_password: [["127.0.0.1:8387", "foobar"]] });
    assert.match(problems, /^server_port: /m);
    assert.match(problems, /^password: /m);
  });
});
