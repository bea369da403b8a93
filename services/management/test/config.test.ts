import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConfigError, redactedConfigYaml } from "@shadowfleet/runtime";
import { SecretFolder } from "@shadowfleet/testkit";
import { loadManagementConfig } from "../src/index.ts";

const load = (data: object) => loadManagementConfig({ name: "test.yaml", data });
const problemsOf = (data: object): string[] => {
  try {
    load(data);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ path, reason }) => `${path}: ${reason}`);
  }
  throw new Error("the configuration was accepted");
};
const PSK = Buffer.alloc(16, 1).toString("base64");

describe("management's configuration", () => {
  it("needs nothing", () => {
    const config = load({});
    assert.deepEqual([config.grpc.host, config.grpc.port, config.grpc.tls, config.grpc.tokens], ["127.0.0.1", 9190, undefined, undefined]);
    assert.deepEqual(
      [config.store.type, config.defaults, config.udpManagement.enabled],
      ["memory", { port: 8388, method: "chacha20-ietf-poly1305" }, false],
    );
  });

  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    it(`lets ${host} be open`, () => assert.equal(load({ grpc: { host } }).grpc.host, host));
  }

  for (const host of ["0.0.0.0", "::", "10.0.0.1", "management.example", "127.example.com"]) {
    it(`asks for encryption and tokens on ${host}`, () => {
      const problems = problemsOf({ grpc: { host } });
      assert.equal(problems.length, 2);
      assert.match(problems[0]!, /^grpc\.tls: required, since grpc\.host .* is not a loopback address/);
      assert.match(problems[1]!, /^grpc\.tokens: required, since grpc\.host .* is not a loopback address/);
    });
  }

  it("lists every problem of the files it names at once", () => {
    using secrets = new SecretFolder();
    const short = secrets.file("short", "short");
    const good = secrets.file("good", "a-good-token-0123456789");
    const problems = problemsOf({
      grpc: {
        tls: { certFile: short, keyFile: "/nowhere" },
        tokens: [
          { name: "a", role: "admin", tokenFile: short },
          { name: "b", role: "admin", tokenFile: good },
          { name: "b", role: "viewer", tokenFile: good },
        ],
      },
      declaredFile: "/nowhere",
      defaults: { method: "rot13" },
    });
    const expected = [
      /^grpc\.tls\.keyFile: cannot be read: ENOENT$/,
      /^grpc\.tokens\[0\]\.tokenFile: must hold one token/,
      /^grpc\.tokens\[2\]\.name: token name "b" is used twice$/,
      /^grpc\.tokens\[2\]\.tokenFile: holds the same token as "b"$/,
      /^defaults\.method: unknown method "rot13"/,
      /^declaredFile: cannot be read: ENOENT$/,
    ];
    assert.equal(problems.length, expected.length, problems.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(problems[index]!, pattern);
  });

  it("refuses a certificate that is not its key's", () => {
    using secrets = new SecretFolder();
    secrets.authority("one");
    secrets.authority("two");
    const tls = { certFile: `${secrets.path}/one.crt`, keyFile: `${secrets.path}/two.key` };
    assert.match(problemsOf({ grpc: { tls } })[0]!, /^grpc\.tls: certificate and key cannot be used/);
  });

  it("checks what is declared: methods, secrets, duplicates, keys without a port", () => {
    const declared = {
      ports: [
        { port: 9001, method: "aes-256-cfb" },
        { port: 9002, method: "2022-blake3-aes-128-gcm" },
        { port: 9003, method: "aes-128-gcm", identityKey: PSK },
        { port: 9002 },
      ],
      keys: [
        { id: "a", port: 9002, secret: "not base64!" },
        { id: "b", port: 9999, secret: "x" },
        { id: "c", port: 9003, secret: "same" },
        { id: "c", port: 9003, secret: "same" },
        { id: "d", port: 9003, secret: "y", startTime: "2027-01-01T00:00:00Z", expireTime: "2026-01-01T00:00:00Z" },
      ],
      upstreams: [
        { host: "a b", udpHost: "c d", port: 1, method: "aes-128-gcm", secret: "x" },
        { host: "h", port: 1, method: "aes-128-gcm", secret: "x" },
        { host: "h", port: 1, method: "des-cfb", secret: "x" },
      ],
    };
    const paths = problemsOf({ declared }).map((problem) => problem.slice(0, problem.indexOf(": ")));
    assert.deepEqual(paths, [
      ...["declared.ports[0].method", "declared.ports[2].identityKey", "declared.ports[3].port"],
      ...["declared.keys[1].port", "declared.keys[3].id", "declared.keys[3].secret", "declared.keys[4].expireTime"],
      ...["declared.upstreams[0].host", "declared.upstreams[0].udpHost", "declared.upstreams[2].id", "declared.upstreams[2].method"],
    ]);
  });

  it("lets a 2022 port without an identity key have one key", () => {
    const keys = [1, 2].map((fill) => ({ id: `k${fill}`, port: 9002, secret: Buffer.alloc(16, fill).toString("base64") }));
    const ports = [{ port: 9002, method: "2022-blake3-aes-128-gcm" }];
    assert.match(problemsOf({ declared: { ports, keys } })[0]!, /^declared\.keys\[1\]: the port has no identity key/);
    const many = load({ declared: { ports: [{ ...ports[0], identityKey: PSK }], keys } });
    assert.equal(many.declared.keys.size, 2);
  });

  it("reads the declared part from a file of its own, whose name problems carry", () => {
    using secrets = new SecretFolder();
    const good = secrets.file("good.yaml", "ports: [{ port: 9001 }]\nkeys: [{ id: alice, port: 9001, secret: s3cret }]\n");
    const config = load({ declaredFile: good });
    assert.deepEqual([[...config.declared.ports.keys()], [...config.declared.keys.keys()]], [[9001], ["alice"]]);
    const bad = secrets.file("bad.yaml", "prots: []\n");
    assert.deepEqual(problemsOf({ declaredFile: bad }), [`${bad}: prots: unknown key, did you mean "ports"?`]);
    assert.match(problemsOf({ declaredFile: good, declared: {} })[0]!, /either declared or declaredFile/);
  });

  it("can be shown without its secrets", () => {
    using secrets = new SecretFolder();
    const tokens = [{ name: "ops", role: "admin", tokenFile: secrets.file("token", "a-good-token-0123456789") }];
    const declared = {
      ports: [{ port: 9002, method: "2022-blake3-aes-128-gcm", identityKey: PSK }],
      keys: [{ id: "alice", port: 9002, secret: Buffer.alloc(16, 9).toString("base64") }],
      upstreams: [{ host: "h", port: 1, method: "aes-128-gcm", secret: "upstream-secret" }],
    };
    const text = redactedConfigYaml(load({ grpc: { tokens }, declared }));
    for (const secret of ["a-good-token", PSK, Buffer.alloc(16, 9).toString("base64"), "upstream-secret"])
      assert.ok(!text.includes(secret), secret);
    assert.match(text, /alice/);
  });
});
