import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressFrom } from "../src/address.ts";
import { formatOnlineConfig, type OnlineConfig, parseOnlineConfig } from "../src/online-config.ts";

const ID = "27b8a625-4f4b-4428-9f0f-8a2317db7c79";
const OTHER_ID = "7842c068-c667-41f2-8f7d-04feece3cb67";
const SERVER = {
  id: ID,
  remarks: "Name of the server",
  server: "example.com",
  server_port: 8388,
  password: "example",
  method: "chacha20-ietf-poly1305",
};
const parse = (document: unknown) => parseOnlineConfig(JSON.stringify(document));
const problemsOf = (document: unknown): [string, string][] => {
  const result = parse(document);
  assert.equal(result.ok, false, JSON.stringify(document));
  return result.ok ? [] : result.problems.map(({ path, reason }) => [path, reason]);
};

test("the example of SIP008", () => {
  const plugin = { plugin: "xxx", plugin_opts: "xxxxx" };
  const document = {
    version: 1,
    servers: [
      { ...SERVER, ...plugin },
      { ...SERVER, ...plugin, id: OTHER_ID },
    ],
    bytes_used: 274877906944,
    bytes_remaining: 824633720832,
  };
  const server = {
    id: ID,
    remarks: "Name of the server",
    host: "example.com",
    port: 8388,
    password: "example",
    method: "chacha20-ietf-poly1305",
    plugin: { name: "xxx", opts: "xxxxx" },
  };
  const config: OnlineConfig = { servers: [server, { ...server, id: OTHER_ID }], bytesUsed: 274877906944, bytesRemaining: 824633720832 };
  assert.deepEqual(parse(document), { ok: true, config });
  assert.equal(formatOnlineConfig(config), JSON.stringify(document, null, 2));
});

test("tolerances: no remarks, empty or null plugin, upper-case id, bracketed IPv6, a byte order mark, custom fields", () => {
  const { remarks: _remarks, ...bare } = SERVER;
  const server = { ...bare, id: ID.toUpperCase(), server: "[2001:DB8::1]", plugin: "", plugin_opts: null, group_name: "eu" };
  const result = parseOnlineConfig(`\ufeff${JSON.stringify({ version: 1, servers: [server], user_name: { a: [1] } })}`);
  const { password, method } = SERVER;
  const expected = { id: ID, remarks: "", host: "2001:db8::1", port: 8388, password, method, custom: { group_name: "eu" } };
  assert.deepEqual(result, { ok: true, config: { servers: [expected], custom: { user_name: { a: [1] } } } });
  assert.deepEqual(parse({ version: 1, servers: [] }), { ok: true, config: { servers: [] } });
  assert.deepEqual(parse({ version: 1, servers: [], bytes_used: 0 }), { ok: true, config: { servers: [], bytesUsed: 0 } });
});

test("every problem is reported, each with its path", () => {
  const document = {
    version: 2,
    servers: [
      { ...SERVER, id: "1", server: "a b", server_port: "8388", password: "", method: 5, remarks: 7, plugin: 1 },
      "no object",
      SERVER,
      { ...SERVER, id: ID.toUpperCase(), server_port: 0, plugin_opts: "x" },
      {},
    ],
    bytes_used: -1,
    bytes_remaining: "5",
  };
  const missing = "must be a string that is not empty";
  assert.deepEqual(problemsOf(document), [
    ["version", "must be 1"],
    ["servers[0].id", "must be a UUID"],
    ["servers[0].remarks", "must be a string"],
    ["servers[0].server_port", "must be an integer from 1 to 65535"],
    ["servers[0].password", missing],
    ["servers[0].method", missing],
    ["servers[0].plugin", "must be a string"],
    ["servers[0].server", "is not a host name or IP address"],
    ["servers[1]", "must be an object"],
    ["servers[3].id", "is the id of servers[2] too"],
    ["servers[3].server_port", "must be an integer from 1 to 65535"],
    ["servers[3].plugin_opts", "must not stand without plugin"],
    ["servers[4].id", missing],
    ["servers[4].server", missing],
    ["servers[4].server_port", "must be an integer from 1 to 65535"],
    ["servers[4].password", missing],
    ["servers[4].method", missing],
    ["bytes_used", "must be a whole number of bytes"],
    ["bytes_remaining", "must be a whole number of bytes"],
  ]);
  assert.deepEqual(problemsOf({ version: 1, servers: [], bytes_remaining: 5 }), [["bytes_remaining", "must not stand without bytes_used"]]);
  assert.deepEqual(problemsOf({ version: "1", servers: {} }), [
    ["version", "must be 1"],
    ["servers", "must be an array"],
  ]);
  for (const root of [null, [], 1, "x"]) assert.deepEqual(problemsOf(root), [["", "must be an object"]]);
  for (const count of [1.5, 2 ** 53, null, true]) assert.equal(problemsOf({ version: 1, servers: [], bytes_used: count }).length, 1);
});

test("no reason quotes what it is about, syntax errors included", () => {
  const secret = "hunter2";
  const texts = [
    `{"version":1,"servers":[{"password":"${secret}"`,
    secret,
    JSON.stringify({
      version: secret,
      servers: [{ ...SERVER, id: secret, server: `${secret} ${secret}`, password: { secret }, [secret]: 1 }],
    }),
  ];
  for (const text of [...texts, "", "[".repeat(200_000)]) {
    const result = parseOnlineConfig(text);
    assert.ok(!result.ok && result.problems.length > 0);
    assert.ok(!JSON.stringify(result).includes(secret));
  }
});

test("a document cannot reach a prototype", () => {
  const result = parseOnlineConfig(`{"version":1,"servers":[],"__proto__":{"bytes_used":5},"constructor":1}`);
  assert.ok(result.ok);
  assert.equal(result.config.bytesUsed, undefined);
  assert.equal(Object.getPrototypeOf(result.config.custom), Object.prototype);
  assert.deepEqual(parseOnlineConfig(formatOnlineConfig(result.config)), result);
});

test("the standard's rules hold for what is written too", () => {
  const server = { id: ID, remarks: "", host: "h", port: 1, password: "hunter2", method: "m" };
  const bad: OnlineConfig[] = [
    { servers: [{ ...server, id: "1" }] },
    { servers: [{ ...server, port: 0 }] },
    { servers: [{ ...server, password: "" }] },
    { servers: [server, server] },
    { servers: [], bytesRemaining: 1 },
    { servers: [], bytesUsed: 0.5 },
    { servers: [], custom: { bytes_used: 1 } },
    { servers: [{ ...server, custom: { server_port: 1 } }] },
  ];
  for (const config of bad) {
    assert.throws(
      () => formatOnlineConfig(config),
      (error: Error) => error instanceof TypeError && !error.message.includes("hunter2"),
    );
  }
  const written = formatOnlineConfig({ servers: [{ ...server, id: ID.toUpperCase(), host: "[2001:DB8::1]" }], custom: { b: 1, a: 2 } });
  assert.deepEqual(JSON.parse(written).servers[0], {
    id: ID,
    remarks: "",
    server: "2001:db8::1",
    server_port: 1,
    password: "hunter2",
    method: "m",
  });
  assert.deepEqual(Object.keys(JSON.parse(written)), ["version", "servers", "a", "b"]);
});

const fields = fc.dictionary(fc.stringMatching(/^custom_[a-z]{1,4}$/), fc.jsonValue({ maxDepth: 2 }), {
  minKeys: 1,
  maxKeys: 3,
  noNullPrototype: true,
});
const text = fc.string({ minLength: 1, maxLength: 20 });
const servers = fc.uniqueArray(
  fc.record(
    {
      id: fc.uuid(),
      remarks: fc.string(),
      host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()).map((host) => addressFrom(host, 1)?.host ?? "localhost"),
      port: fc.integer({ min: 1, max: 0xffff }),
      password: text,
      method: text,
      plugin: fc.record({ name: text, opts: fc.string() }),
      custom: fields,
    },
    { requiredKeys: ["id", "remarks", "host", "port", "password", "method"], noNullPrototype: true },
  ),
  { selector: (server) => server.id, maxLength: 4 },
);

test("every document that can be written reads back unchanged", () => {
  const count = fc.nat(Number.MAX_SAFE_INTEGER);
  const documents = fc.record(
    { servers, bytesUsed: count, bytesRemaining: count, custom: fields },
    { requiredKeys: ["servers", "bytesUsed"], noNullPrototype: true },
  );
  fc.assert(
    fc.property(documents, (document) => {
      const config = document as OnlineConfig;
      const again = parseOnlineConfig(formatOnlineConfig(config));
      // JSON knows no negative zero.
      assert.deepEqual(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify({ ok: true, config })));
    }),
  );
});
