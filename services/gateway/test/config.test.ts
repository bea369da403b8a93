import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, type ConfigProblem, parseConfigText, redactedConfigYaml } from "@shadowfleet/runtime";
import { type GatewayConfig, loadGatewayConfig } from "../src/config.ts";

const SECRET = "correct horse battery staple";
const METHOD = "chacha20-ietf-poly1305";

function load(data: unknown): GatewayConfig {
  return loadGatewayConfig(parseConfigText(JSON.stringify(data), "test.json"));
}

/** The problems of a refused configuration; also checks that no secret is quoted. */
function problemsOf(data: unknown): readonly ConfigProblem[] {
  try {
    load(data);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.ok(!error.message.includes(SECRET), "a secret is quoted");
    return error.problems;
  }
  return assert.fail("was accepted");
}

const pathsOf = (data: unknown) => problemsOf(data).map(({ path }) => path);
const places = (config: GatewayConfig) => config.upstreams.map(({ host, port }) => `${host} ${port}`);
const ids = (config: GatewayConfig) => config.upstreams.map(({ id }) => id);
const methods = (config: GatewayConfig) => config.upstreams.map(({ credential }) => credential.method.name);

describe("the ancestor's config.json", () => {
  const single = { server: "relay.example", server_port: 8388, local_port: 1080, password: SECRET, method: METHOD };

  test("one server", () => {
    const config = load(single);
    assert.deepEqual([config.dialect, config.listen, ids(config)], ["classic", { host: "::", port: 1080 }, ["relay.example:8388"]]);
    assert.equal(config.idleTimeoutMs, 300_000, "the ancestor's default of 300 s");
  });

  test("the sample with 2- and 3-element server_password entries: the method falls back to `method`, then aes-256-cfb", () => {
    const sample = {
      local_port: 1081,
      allowInsecureCiphers: true,
      server_password: [
        ["127.0.0.1:8387", "foobar"],
        ["127.0.0.1:8388", "barfoo!", "aes-128-cfb"],
      ],
    };
    const config = load(sample);
    assert.deepEqual(places(config), ["127.0.0.1 8387", "127.0.0.1 8388"]);
    assert.deepEqual(methods(config), ["aes-256-cfb", "aes-128-cfb"]);
    assert.equal(config.upstreams[0]?.credential.key.toString("hex"), "3858f62230ac3c915f300c664312c63f568378529614d22ddb49237d2f60bfdf");
    assert.deepEqual(methods(load({ ...sample, method: METHOD })), [METHOD, "aes-128-cfb"]);
  });

  test("server_password keeps its order and beats server, server_port and password", () => {
    const config = load({
      ...single,
      server_password: [
        ["b.example:1", "x"],
        ["a.example:2", "y"],
        ["[::1]:8389", "z"],
      ],
    });
    assert.deepEqual(places(config), ["b.example 1", "a.example 2", "::1 8389"]);
    assert.deepEqual(ids(config), ["b.example:1", "a.example:2", "[::1]:8389"]);
    assert.match(config.warnings.join(), /server, server_port, password ignored/);
  });

  test("server as a list: entries with a port override server_port, with a warning", () => {
    const config = load({ ...single, server: ["127.0.0.1", "127.0.1.1:9000", "[::1]", "[::1]:9001", "::2"] });
    assert.deepEqual(places(config), ["127.0.0.1 8388", "127.0.1.1 9000", "::1 8388", "::1 9001", "::2 8388"]);
    assert.match(config.warnings.join(), /server_port is ignored for 127\.0\.1\.1:9000, \[::1\]:9001/);
  });

  test("server_port is not needed when every entry has a port", () => {
    assert.deepEqual(places(load({ ...single, server: "relay.example:9000", server_port: undefined })), ["relay.example 9000"]);
  });

  test("the same server twice gets ids that differ", () => {
    const entries = [1, 2, 3].map((n) => ["127.0.0.1:8388", `password ${n}`]);
    const config = load({ local_port: 1080, method: METHOD, server_password: entries });
    assert.deepEqual(ids(config), ["127.0.0.1:8388", "127.0.0.1:8388#2", "127.0.0.1:8388#3"]);
  });

  test("local_address; timeout in seconds, 0 for none, our own timeouts.idle before it", () => {
    assert.equal(load({ ...single, local_address: "127.0.0.1" }).listen.host, "127.0.0.1");
    assert.equal(load({ ...single, local_address: "" }).listen.host, "::");
    assert.equal(load({ ...single, timeout: 600 }).idleTimeoutMs, 600_000);
    assert.equal(load({ ...single, timeout: 0 }).idleTimeoutMs, 0);
    assert.equal(load({ ...single, timeout: 600, timeouts: { idle: "7s", dial: "1s" } }).idleTimeoutMs, 7000);
  });

  test("unknown keys are ignored with one warning that lists them; our own settings may be added", () => {
    const config = load({ ...single, fast_open: false, workers: 4, cache_enctable: true, policy: "round-robin", auth: false });
    assert.deepEqual(
      config.warnings.filter((warning) => warning.startsWith("ignored")),
      ["ignored in this file format: fast_open, workers, cache_enctable"],
    );
    assert.equal(config.policy, "round-robin");
  });

  test("the default method needs allowInsecureCiphers; the error says so once and names a better method", () => {
    const problems = problemsOf({ ...single, method: undefined, server: ["a.example", "b.example"] });
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["method"],
    );
    assert.match(problems[0]!.reason, /aes-256-cfb.*allowInsecureCiphers: true.*chacha20-ietf-poly1305/);
    const config = load({ ...single, method: undefined, allowInsecureCiphers: true });
    assert.deepEqual(methods(config), ["aes-256-cfb"]);
    assert.match(config.warnings.join("\n"), /relay\.example:8388 uses aes-256-cfb/);
  });

  for (const [what, data, paths] of [
    ["no local_port", { ...single, local_port: undefined }, ["local_port"]],
    ["local_port as text", { ...single, local_port: "1080" }, ["local_port"]],
    ["no server", { ...single, server: undefined }, ["server"]],
    ["an empty server in a list", { ...single, server: ["a.example", ""] }, ["server[1]"]],
    ["server as a number", { ...single, server: 7 }, ["server"]],
    ["no server_port", { ...single, server_port: undefined }, ["server_port"]],
    ["server_port 0", { ...single, server_port: 0 }, ["server_port"]],
    ["no password", { ...single, password: "" }, ["password"]],
    ["a password that is a number", { ...single, password: 12345 }, ["password"]],
    ["an unknown method", { ...single, method: "rot13" }, ["method"]],
    ["a method that is gone", { ...single, method: "bf-cfb" }, ["method"]],
    ["one-time auth by method", { ...single, method: "aes-256-cfb-auth" }, ["method"]],
    ["one-time auth by key", { ...single, auth: true }, ["auth"]],
    ["a negative timeout", { ...single, timeout: -1 }, ["timeout"]],
    ["server_password no list", { local_port: 1, server_password: "x" }, ["server_password"]],
    ["an entry of one", { local_port: 1, method: METHOD, server_password: [["a:1"]] }, ["server_password[0]"]],
    ["an entry of four", { local_port: 1, method: METHOD, server_password: [["a:1", "b", METHOD, "d"]] }, ["server_password[0]"]],
    ["an entry without port", { local_port: 1, method: METHOD, server_password: [["a", "b"]] }, ["server_password[0][0]"]],
    ["an entry with bare IPv6", { local_port: 1, method: METHOD, server_password: [["::1:8389", "b"]] }, ["server_password[0][0]"]],
    ["an entry without password", { local_port: 1, method: METHOD, server_password: [["a:1", ""]] }, ["server_password[0][1]"]],
    ["an entry with a bad method", { local_port: 1, server_password: [["a:1", "b", "rot13"]] }, ["server_password[0][2]"]],
    ["an added setting with a mistake", { ...single, timeouts: { dail: "5s" } }, ["timeouts.dail"]],
  ] as const) {
    test(`${what} is refused at ${paths[0]}`, () => assert.deepEqual(pathsOf(data), paths));
  }

  test("every problem is listed at once", () => {
    const data = {
      local_port: -1,
      timeout: "x",
      auth: true,
      server_password: [
        ["a", "b"],
        ["c:1", SECRET, "rc4"],
      ],
      limits: 3,
    };
    assert.deepEqual(pathsOf(data).toSorted(), [
      "auth",
      "limits",
      "local_port",
      "server_password[0][0]",
      "server_password[1][2]",
      "timeout",
    ]);
  });
});

describe("the gateway's own format", () => {
  const upstream = { host: "relay.example", port: 8388, method: METHOD, secret: SECRET };
  const psk = Buffer.alloc(16, 7).toString("base64");

  test("defaults", () => {
    const config = load({ upstreams: [upstream] });
    assert.deepEqual(config.listen, { host: "127.0.0.1", port: 1080 });
    const { policy, handshakeTimeoutMs, dialTimeoutMs, idleTimeoutMs, udpIdleTimeoutMs, firstPayloadWaitMs, warnings } = config;
    assert.deepEqual(
      { policy, handshakeTimeoutMs, dialTimeoutMs, idleTimeoutMs, udpIdleTimeoutMs, firstPayloadWaitMs, warnings },
      {
        policy: "classic",
        handshakeTimeoutMs: 10_000,
        dialTimeoutMs: 5000,
        idleTimeoutMs: 300_000,
        udpIdleTimeoutMs: 300_000,
        firstPayloadWaitMs: 3,
        warnings: [],
      },
    );
  });

  test("YAML with URIs and parts; ids, tags and order", () => {
    const config = loadGatewayConfig(
      parseConfigText(
        `
listen: { host: "::1", port: 0 }
policy: latency
timeouts: { idle: 1h, dial: 250ms }
upstreams:
  - ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1
  - { id: second, uri: "ss://YWVzLTEyOC1nY206dGVzdA@[2001:db8::1]:8888#Example2", tag: Mine }
  - { host: relay.example, port: 8388, method: 2022-blake3-aes-128-gcm, secret: ${psk} }
`,
        "test.yaml",
      ),
    );
    assert.deepEqual(ids(config), ["192.168.100.1:8888", "second", "relay.example:8388"]);
    assert.deepEqual(
      config.upstreams.map(({ tag }) => tag),
      ["Example1", "Mine", undefined],
    );
    assert.deepEqual(methods(config), ["aes-128-gcm", "aes-128-gcm", "2022-blake3-aes-128-gcm"]);
    assert.deepEqual([config.idleTimeoutMs, config.dialTimeoutMs, config.policy], [3_600_000, 250, "latency"]);
  });

  test("an empty file is a gateway without upstreams, and says so", () => {
    const config = load({});
    assert.deepEqual([config.dialect, config.upstreams], ["fleet", []]);
    assert.match(config.warnings.join(), /no upstream/);
  });

  test("listening beyond loopback without users is warned about, with users it is not", () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "gateway.example"]) {
      assert.match(load({ listen: { host }, upstreams: [upstream] }).warnings.join(), /without users/, host);
    }
    assert.deepEqual(load({ listen: { host: "::" }, users: [{ name: "a", password: "b" }], upstreams: [upstream] }).warnings, []);
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
      assert.deepEqual(load({ listen: { host }, upstreams: [upstream] }).warnings, [], host);
    }
  });

  test("stream ciphers only with allowInsecureCiphers", () => {
    const entry = { ...upstream, method: "aes-256-cfb" };
    const [problem] = problemsOf({ upstreams: [entry] });
    assert.equal(problem?.path, "upstreams[0].method");
    assert.match(problem!.reason, /allowInsecureCiphers: true.*2022-blake3-aes-256-gcm/);
    assert.deepEqual(methods(load({ allowInsecureCiphers: true, upstreams: [entry] })), ["aes-256-cfb"]);
  });

  for (const [what, data, paths] of [
    ["a plugin", { upstreams: ["ss://YWVzLTEyOC1nY206dGVzdA@h:1/?plugin=obfs-local%3Bobfs%3Dhttp"] }, ["upstreams[0]"]],
    ["a plugin among parts", { upstreams: [{ ...upstream, plugin: "obfs-local" }] }, ["upstreams[0].plugin"]],
    ["options without a plugin", { upstreams: [{ ...upstream, pluginOptions: "x" }] }, ["upstreams[0].pluginOptions"]],
    [
      "a plugin beside a URI",
      { plugins: { a: "/a" }, upstreams: [{ uri: "ss://YWVzLTEyOC1nY206dGVzdA@h:1", plugin: "a" }] },
      ["upstreams[0].plugin"],
    ],
    ["a plugin's program that is no path", { plugins: { "obfs-local": "obfs-local" }, upstreams: [upstream] }, ["plugins.obfs-local"]],
    [
      "zero characters for a plugin",
      { plugins: { a: "/a" }, upstreams: ["ss://YWVzLTEyOC1nY206dGVzdA@h:1/?plugin=a%3Bx%00"] },
      ["upstreams[0]"],
    ],
    ["no URI", { upstreams: ["http://h:1"] }, ["upstreams[0]"]],
    ["an entry that is nothing", { upstreams: [7, null] }, ["upstreams[0]", "upstreams[1]"]],
    ["a bad host for UDP", { upstreams: [{ uri: "ss://YWVzLTEyOC1nY206dGVzdA@h:1", udpHost: "a b" }] }, ["upstreams[0].udpHost"]],
    ["missing parts", { upstreams: [{ host: "h" }] }, ["upstreams[0].port", "upstreams[0].method", "upstreams[0].secret"]],
    ["parts beside a URI", { upstreams: [{ uri: "ss://YWVzLTEyOC1nY206dGVzdA@h:1", port: 2 }] }, ["upstreams[0].port"]],
    ["an unknown key in an entry", { upstreams: [{ ...upstream, passwrd: 1 }] }, ["upstreams[0].passwrd"]],
    [
      "one id twice",
      {
        upstreams: [
          { ...upstream, id: "a" },
          { ...upstream, id: "a" },
        ],
      },
      ["upstreams[1].id"],
    ],
    [
      "a key of the wrong length",
      { upstreams: [{ ...upstream, method: "2022-blake3-aes-256-gcm", secret: psk }] },
      ["upstreams[0].secret"],
    ],
    ["a host that is none", { upstreams: [{ ...upstream, host: "a b" }] }, ["upstreams[0].host"]],
    ["an unknown key", { upstream: [] }, ["upstream"]],
    [
      "a user twice",
      {
        users: [
          { name: "a", password: "x" },
          { name: "a", password: "y" },
        ],
      },
      ["users"],
    ],
    ["a user name with a colon", { users: [{ name: "a:b", password: "x" }] }, ["users[0].name"]],
    ["a user without a name", { users: [{ name: "", password: "x" }] }, ["users[0].name"]],
    ["a password too long for SOCKS5", { users: [{ name: "a", password: "p".repeat(256) }] }, ["users[0].password"]],
    ["an unknown policy", { policy: "fastest" }, ["policy"]],
    ["a wait too long", { timeouts: { firstPayloadWait: "5s" } }, ["timeouts.firstPayloadWait"]],
  ] as const) {
    test(`${what} is refused at ${paths[0]}`, () => assert.deepEqual(pathsOf(data), paths));
  }

  test("every problem is listed at once, entries of upstreams included", () => {
    const data = { listen: { prt: 1 }, policy: "x", upstreams: [{ ...upstream, method: "rot13" }, "ss://", { ...upstream, prot: 1 }] };
    assert.deepEqual(pathsOf(data).toSorted(), ["listen.prt", "policy", "upstreams[0].method", "upstreams[1]", "upstreams[2].prot"]);
  });

  test("the redacted form names no secret", () => {
    const config = load({ users: [{ name: "alice", password: SECRET }], upstreams: [upstream] });
    const text = redactedConfigYaml(config);
    assert.ok(!text.includes(SECRET) && !text.includes(config.upstreams[0]!.credential.key.toString("base64")));
    assert.match(text, /relay\.example/);
  });
});
