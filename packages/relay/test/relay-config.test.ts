import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, parseConfigText } from "@shadowfleet/runtime";
import { automaticMaxStrangers } from "../src/connection-cap.ts";
import { loadRelayConfig } from "../src/load-relay-config.ts";

const load = (text: string, flags = {}) => loadRelayConfig(parseConfigText(text, "relay.yaml"), flags);

/** Path and reason of every problem, one a line. */
function problemsOf(text: string): string {
  try {
    load(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
  }
  return assert.fail("was accepted");
}

const psk = (fill: number, length = 32) => Buffer.alloc(length, fill).toString("base64");

describe("our own format", () => {
  test("one port with one password: everything else has a default", () => {
    const config = load("ports: [{ port: 8388, password: barfoo! }]");
    const { ports, admin, log, telemetry, drainTimeout, drainDelay, ...rest } = config;
    assert.equal(ports.length, 1);
    const [port] = ports;
    assert.deepEqual([port?.host, port?.port, port?.identityKey], ["::", 8388, undefined]);
    assert.deepEqual([port?.keys[0]?.id, port?.keys[0]?.name], ["8388", "8388"]);
    assert.equal(port?.keys[0]?.credential.method.name, "chacha20-ietf-poly1305");
    assert.equal(port?.keys[0]?.credential.key.toString("hex"), "b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb");
    const { maxConnections, maxStrangers, maxUdpSessions, ...exact } = rest;
    assert.ok(maxConnections >= 64 && maxConnections <= 65_536, String(maxConnections));
    assert.equal(maxStrangers, automaticMaxStrangers(maxConnections));
    assert.ok(maxUdpSessions >= 64 && maxUdpSessions <= 16_384, String(maxUdpSessions));
    assert.deepEqual(exact, {
      allowInsecureCiphers: false,
      handshakeTimeoutMs: 60_000,
      dialTimeoutMs: 10_000,
      idleTimeoutMs: 300_000,
      udpIdleTimeoutMs: 300_000,
      maxStrangersPerSource: 512,
      keyTrialsPerSource: 1000,
      keyTrials: 10_000,
      maxUdpSessionsPerKey: 512,
      replayFilter: true,
      sharedReplay: { sip004: true, sip004WindowMs: 900_000, whenUnavailable: "accept" },
      limitsWhenUnavailable: "continue",
      allowSegmentedHeader: false,
      allowPrivateTargets: false,
      allowTargets: [],
      denyTargets: [],
      dialect: "fleet",
      warnings: [],
      workers: 1,
    });
    assert.deepEqual([admin.host, log.level, drainTimeout, drainDelay], ["127.0.0.1", "info", 30_000, 0]);
    assert.deepEqual(telemetry.traces, { sampleRatio: 1, dataPlaneSampleRatio: 0 });
  });

  test("everything said", () => {
    const config = load(`
      ports:
        - port: 8388
          host: 127.0.0.1
          method: aes-256-gcm
          keys: [{ id: alice, name: Alice, secret: one }, { id: bob, secret: two }]
        - { port: 8389, method: 2022-blake3-aes-256-gcm, identityKey: "${psk(9)}", keys: [{ id: carol, secret: "${psk(1)}" }, { id: dave, secret: "${psk(2)}" }] }
      targets: { allow: [10.1.0.0/16, echo.fleet.svc], deny: ["2001:db8::/32", 192.0.2.7] }
      timeouts: { handshake: 30s, dial: 5s, idle: 0s, udpIdle: 2m }
      limits: { maxConnections: 100, strangersPerSource: 5, strangers: 20, keyTrialsPerSource: 30, keyTrials: 90, udpSessionsPerKey: 8, udpSessions: 64, whenUnavailable: refuse }
      replayFilter: false
      sharedReplay: { sip004: false, sip004Window: 2m, whenUnavailable: refuse }
      allowSegmentedHeader: true
      admin: { host: 0.0.0.0, port: 9200 }
      log: { level: debug, format: text }
      drainTimeout: 10s
    `);
    const [first, second] = config.ports;
    assert.deepEqual(
      first?.keys.map(({ id, name }) => [id, name]),
      [
        ["alice", "Alice"],
        ["bob", "bob"],
      ],
    );
    assert.deepEqual(second?.identityKey, Buffer.alloc(32, 9));
    assert.deepEqual(second?.keys[1]?.credential.key, Buffer.alloc(32, 2));
    assert.deepEqual(
      [config.handshakeTimeoutMs, config.dialTimeoutMs, config.idleTimeoutMs, config.udpIdleTimeoutMs],
      [30_000, 5000, 0, 120_000],
    );
    assert.deepEqual([config.maxStrangersPerSource, config.maxStrangers, config.keyTrialsPerSource, config.keyTrials], [5, 20, 30, 90]);
    assert.deepEqual([config.maxConnections, config.maxUdpSessionsPerKey, config.maxUdpSessions], [100, 8, 64]);
    assert.deepEqual(
      [config.allowTargets, config.denyTargets],
      [
        ["10.1.0.0/16", "echo.fleet.svc"],
        ["2001:db8::/32", "192.0.2.7"],
      ],
    );
    assert.deepEqual([config.replayFilter, config.allowSegmentedHeader, config.drainTimeout], [false, true, 10_000]);
    assert.equal(config.limitsWhenUnavailable, "refuse");
    assert.deepEqual(config.sharedReplay, { sip004: false, sip004WindowMs: 120_000, whenUnavailable: "refuse" });
    assert.deepEqual(
      [config.admin, config.log],
      [
        { host: "0.0.0.0", port: 9200 },
        { level: "debug", format: "text" },
      ],
    );
  });

  test("private targets: by the file or by the flag", () => {
    const text = "ports: [{ port: 8388, password: x }]";
    assert.equal(load(text, { allowPrivateTargets: true }).allowPrivateTargets, true);
    assert.equal(load(`${text}\nallowPrivateTargets: true`).allowPrivateTargets, true);
    assert.equal(load(text, { allowPrivateTargets: false }).allowPrivateTargets, false);
  });

  test("stream ciphers need leave and earn a warning for each port", () => {
    const ports = "ports: [{ port: 1, method: aes-256-cfb, password: x }, { port: 2, method: chacha20-ietf, password: y }]";
    const problems = problemsOf(ports);
    assert.match(problems, /^ports\[0\]\.method: aes-256-cfb .*allowInsecureCiphers: true.*chacha20-ietf-poly1305$/m);
    assert.match(problems, /^ports\[1\]\.method: chacha20-ietf /m);
    const config = load(`${ports}\nallowInsecureCiphers: true`);
    assert.equal(config.warnings.length, 2);
    assert.match(config.warnings[0] ?? "", /port 1 .*aes-256-cfb/);
  });

  test("unknown keys are refused, with what may have been meant", () => {
    const problems = problemsOf("ports: [{ port: 1, pasword: x }]\nreplayfilter: false\nworkerz: 4");
    assert.match(problems, /ports\[0\]\.pasword: unknown key, did you mean "password"/);
    assert.match(problems, /replayfilter: unknown key, did you mean "replayFilter"/);
    assert.match(problems, /workerz: unknown key, did you mean "workers"/);
  });

  test("a top-level password beside ports is a mistake here, not the ancestor's format", () => {
    assert.match(problemsOf("ports: [{ port: 1, password: x }]\npassword: y"), /^password: unknown key/m);
  });

  test("everything wrong with shapes is listed at once", () => {
    const problems = problemsOf(`
      ports: [{ port: 70000, password: "" }, { port: x, keys: [] }]
      targets: { allow: [10.0.0.0/40], deny: [localhost] }
      timeouts: { dial: 5, idle: never, handshake: 0s }
      limits: { maxConnections: lots, udpSessions: 0 }
    `);
    for (const path of [
      "ports[0].port",
      "ports[0].password",
      "ports[1].port",
      "ports[1].keys",
      "targets.allow[0]",
      "targets.deny[0]",
      "timeouts.dial",
      "timeouts.idle",
      "timeouts.handshake",
      "limits.maxConnections",
      "limits.udpSessions",
    ]) {
      assert.ok(problems.includes(`${path}: `), `${path} is missing in\n${problems}`);
    }
  });

  test("everything wrong with ports and keys is listed at once", () => {
    const problems = problemsOf(`
      ports:
        - { port: 1, password: x }
        - { port: 1, password: y }
        - { port: 2, keys: [{ id: alice, secret: same }, { id: bob, secret: same }, { id: alice, secret: other }] }
        - { port: 3, method: aes-256-gcm, keys: [{ id: alice, secret: z }] }
        - { port: 4, method: rot13, password: x }
        - { port: 5, method: bf-cfb, password: x }
        - { port: 6, method: aes-128-gcm-auth, password: x }
        - { port: 7 }
        - { port: 8, password: x, keys: [{ id: p8, secret: y }] }
    `).split("\n");
    const expected = [
      /^ports\[7\]: needs either password or keys/,
      /^ports\[8\]: needs either password or keys/,
      /^ports\[1\]\.port: port 1 is already configured at ports\[0\]/,
      /^ports\[1\]\.password: key id "1" is already used at ports\[0\]\.password/,
      /^ports\[2\]\.keys\[2\]: key id "alice" is already used at ports\[2\]\.keys\[0\]/,
      /^ports\[3\]\.keys\[0\]: key id "alice" is already used at ports\[2\]\.keys\[0\]/,
      /^ports\[2\]\.keys\[1\]: has the same secret as key "alice"/,
      /^ports\[4\]\.method: unknown method "rot13"/,
      /^ports\[5\]\.method: bf-cfb is not available/,
      /^ports\[6\]\.method: .*one-time auth/,
    ];
    for (const pattern of expected)
      assert.equal(problems.filter((line) => pattern.test(line)).length, 1, `${pattern} in\n${problems.join("\n")}`);
    assert.equal(problems.length, expected.length, problems.join("\n"));
  });

  test("what SIP022 asks of keys", () => {
    const problems = problemsOf(`
      ports:
        - { port: 1, method: 2022-blake3-aes-256-gcm, password: "${psk(1, 16)}" }
        - { port: 2, method: 2022-blake3-aes-128-gcm, password: not base64! }
        - { port: 3, method: 2022-blake3-aes-256-gcm, keys: [{ id: a, secret: "${psk(2)}" }, { id: b, secret: "${psk(3)}" }] }
        - { port: 4, method: 2022-blake3-chacha20-poly1305, keys: [{ id: c, secret: "${psk(4)}" }, { id: d, secret: "${psk(5)}" }] }
        - { port: 5, method: 2022-blake3-chacha20-poly1305, identityKey: "${psk(6)}", password: "${psk(7)}" }
        - { port: 6, method: 2022-blake3-aes-256-gcm, identityKey: "${psk(8, 16)}", keys: [{ id: e, secret: "${psk(9)}" }, { id: f, secret: "${psk(9)}" }] }
        - { port: 7, method: 2022-blake3-aes-256-gcm, password: "${psk(10)}:${psk(11)}" }
        - { port: 8, method: aes-256-gcm, identityKey: "${psk(12)}", password: x }
    `);
    for (const pattern of [
      /^ports\[0\]\.password: .*32 bytes, not 16/m,
      /^ports\[1\]\.password: .*not base64/m,
      /^ports\[2\]: several keys on one port need .*identityKey/m,
      /^ports\[3\]: .*no identity headers/m,
      /^ports\[4\]\.identityKey: .*no identity headers/m,
      /^ports\[5\]\.identityKey: .*32 bytes, not 16/m,
      /^ports\[5\]\.keys\[1\]: has the same secret as key "e"/m,
      /^ports\[6\]\.password: .*alone/m,
      /^ports\[7\]\.identityKey: .*no identity headers/m,
    ]) {
      assert.match(problems, pattern);
    }
    assert.equal(problems.split("\n").length, 9, problems);
    assert.ok(!problems.includes(psk(1, 16)), "no secret is quoted");
  });

  test("several keys on a stream cipher's port are impossible", () => {
    const text =
      "allowInsecureCiphers: true\nports: [{ port: 1, method: aes-256-ctr, keys: [{ id: a, secret: x }, { id: b, secret: y }] }]";
    assert.match(problemsOf(text), /^ports\[0\]: aes-256-ctr cannot have several keys/m);
  });

  test("UDP sessions must outlive SIP022 timestamps", () => {
    const text = (method: string) => `timeouts: { udpIdle: 30s }\nports: [{ port: 1, method: ${method}, password: "${psk(1)}" }]`;
    assert.match(problemsOf(text("2022-blake3-aes-256-gcm")), /^timeouts\.udpIdle: .*60s/m);
    assert.equal(load(text("aes-256-gcm")).udpIdleTimeoutMs, 30_000);
  });

  test("many trial keys earn a warning", () => {
    const keys = Array.from({ length: 201 }, (_, n) => `{ id: k${n}, secret: s${n} }`).join(", ");
    assert.match(load(`ports: [{ port: 1, keys: [${keys}] }]`).warnings.join(), /201 keys to try/);
  });

  test("an empty file asks for ports", () => {
    assert.match(problemsOf(""), /^ports: required/m);
    assert.match(problemsOf("[]"), /^\(top level\): expected object/m);
  });
});
