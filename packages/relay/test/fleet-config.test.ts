import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, parseConfigText } from "@shadowfleet/runtime";
import { loadRelayConfig } from "../src/index.ts";

const load = (text: string) => loadRelayConfig(parseConfigText(text, "relay.yaml"));

function problemsOf(text: string): string {
  try {
    load(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
  }
  assert.fail("the configuration was taken");
}

describe("a relay that is a member of a fleet", () => {
  test("has no ports of its own; loopback management may be plaintext", () => {
    const { ports, fleet, dialect } = load(`
      fleet:
        management: { address: "127.0.0.1:9190", insecure: true, tokenFile: relay.token }
        store: { type: redis, url: "redis://redis.example:6379/0" }
      limits: { maxConnections: 100 }
    `);
    assert.deepEqual([ports, dialect, fleet?.memberId], [[], "fleet", undefined]);
    assert.deepEqual(fleet?.management, { addresses: [{ host: "127.0.0.1", port: 9190 }], tls: undefined, tokenFile: "relay.token" });
    assert.equal(fleet?.store.type, "redis");
  });

  test("knows several replicas behind TLS, and its own name", () => {
    const { fleet } = load(`
      fleet:
        memberId: relay-ams-1
        management:
          addresses: ["m1.example:9190", "[2001:db8::1]:9190"]
          tls: { caFile: ca.pem, certFile: cert.pem, keyFile: key.pem, serverName: management }
        store: { type: memory }
    `);
    assert.equal(fleet?.memberId, "relay-ams-1");
    assert.deepEqual(fleet?.management.addresses, [
      { host: "m1.example", port: 9190 },
      { host: "2001:db8::1", port: 9190 },
    ]);
    assert.deepEqual(fleet?.management.tls, { caFile: "ca.pem", certFile: "cert.pem", keyFile: "key.pem", serverName: "management" });
  });

  test("takes its ports from one place", () => {
    const fleet = "fleet: { management: { address: '127.0.0.1:9190', insecure: true }, store: { type: memory } }";
    assert.match(problemsOf(`${fleet}\nports: [{ port: 1, password: x }]`), /^fleet: cannot be given with ports/);
    assert.match(problemsOf("timeouts: { dial: 5s }"), /^ports: required \(array\), or fleet/);
    assert.match(problemsOf(`${fleet}\nserver_port: 1\npassword: x`), /^fleet: is not known in this file format/);
  });

  test("is told about everything that is wrong with where management is", () => {
    const management = (text: string) => problemsOf(`fleet: { management: ${text}, store: { type: memory } }`);
    assert.match(management("{ insecure: true }"), /^fleet\.management: needs either address or addresses$/m);
    assert.match(
      management("{ address: 'a.example:1', addresses: ['b.example:1'], tls: {} }"),
      /^fleet\.management: needs either address or addresses$/m,
    );
    assert.match(management("{ address: '127.0.0.1:1' }"), /^fleet\.management: needs either tls or, .*insecure: true$/m);
    assert.match(management("{ address: '127.0.0.1:1', insecure: true, tls: {} }"), /^fleet\.management: needs either tls or/m);
    assert.match(management("{ address: '192.0.2.1:1', insecure: true }"), /^fleet\.management\.insecure: is for loopback .*192\.0\.2\.1/m);
    assert.match(management("{ address: '127.0.0.2.example:1', insecure: true }"), /^fleet\.management\.insecure: is for loopback/m);
    assert.match(
      management("{ address: 'a.example:1', tls: { certFile: c } }"),
      /^fleet\.management\.tls: needs both certFile and keyFile$/m,
    );
    assert.match(management("{ adress: 'a.example:1', tls: {} }"), /adress: unknown key, did you mean "address/m);
    assert.match(
      problemsOf("fleet: { memberId: '-x', management: { address: 'a:1', tls: {} }, store: { type: memory } }"),
      /^fleet\.memberId: must be/m,
    );
  });
});
