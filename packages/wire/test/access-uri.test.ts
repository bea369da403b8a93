import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AccessUri, formatAccessUri, parseAccessUri } from "../src/access-uri.ts";
import { addressFrom } from "../src/address.ts";
import { METHODS } from "../src/method.ts";

const parsed = (text: string): AccessUri => {
  const result = parseAccessUri(text);
  assert.ok(result.ok, `${JSON.stringify(text)}: ${result.ok ? "" : result.reason}`);
  return result.uri;
};
const base64 = (text: string) => Buffer.from(text).toString("base64");
const base64url = (text: string) => Buffer.from(text).toString("base64url");

test("the examples of SIP002", () => {
  const server = { host: "192.168.100.1", port: 8888 };
  const psk = "YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=";
  const escaped = "YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D";
  const table: [string, AccessUri][] = [
    ["ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1", { method: "aes-128-gcm", password: "test", ...server, tag: "Example1" }],
    [
      "ss://cmM0LW1kNTpwYXNzd2Q@192.168.100.1:8888/?plugin=obfs-local%3Bobfs%3Dhttp#Example2",
      { method: "rc4-md5", password: "passwd", ...server, plugin: { name: "obfs-local", opts: "obfs=http" }, tag: "Example2" },
    ],
    [
      `ss://2022-blake3-aes-256-gcm:${escaped}@192.168.100.1:8888#Example3`,
      { method: "2022-blake3-aes-256-gcm", password: psk, ...server, tag: "Example3" },
    ],
    [
      `ss://2022-blake3-aes-256-gcm:${escaped}@192.168.100.1:8888/?plugin=v2ray-plugin%3Bserver#Example3`,
      { method: "2022-blake3-aes-256-gcm", password: psk, ...server, plugin: { name: "v2ray-plugin", opts: "server" }, tag: "Example3" },
    ],
    [
      "ss://YmYtY2ZiOnRlc3Q@192.168.100.1:8888/?plugin=url-encoded-plugin-argument-value&unsupported-arguments=should-be-ignored#Dummy+profile+name",
      {
        method: "bf-cfb",
        password: "test",
        ...server,
        plugin: { name: "url-encoded-plugin-argument-value", opts: "" },
        tag: "Dummy+profile+name",
      },
    ],
  ];
  for (const [text, uri] of table) assert.deepEqual(parsed(text), uri, text);
});

test("userinfo: both alphabets, padded, unpadded, escaped padding, plain, escaped", () => {
  // Passwords whose base64 holds the two digits in which the alphabets differ, and every length of padding.
  for (const password of ["t", "te", "tes", "??>>~~", "ÿÿÿ", "pa:ss@wo/rd", ":", "s", "/", "日本語"]) {
    const login = `aes-256-gcm:${password}`;
    const spellings = [base64(login), base64(login).replaceAll("=", ""), base64(login).replaceAll("=", "%3D"), base64url(login)];
    spellings.push(base64(login).replaceAll("=", "%3d"), base64(login).replaceAll("+", "%2B").replaceAll("/", "%2F"));
    spellings.push(`aes-256-gcm:${encodeURIComponent(password)}`, encodeURIComponent(login));
    for (const userinfo of spellings) {
      assert.deepEqual(parsed(`ss://${userinfo}@h:1`), { method: "aes-256-gcm", password, host: "h", port: 1 }, userinfo);
    }
  }
});

test("a plain userinfo keeps colons, at signs and slashes that nobody escaped", () => {
  const table: [string, string][] = [
    ["aes-128-gcm:a:b:c", "a:b:c"],
    ["aes-128-gcm::leading", ":leading"],
    ["aes-128-gcm:p@ss", "p@ss"],
    ["2022-blake3-aes-128-gcm:gIGCg4SFhoeIiYqLjI2Ojw==:AAEC/+QFBgcICQoLDA0ODw==", "gIGCg4SFhoeIiYqLjI2Ojw==:AAEC/+QFBgcICQoLDA0ODw=="],
    ["aes-128-gcm:100%25", "100%"],
    ["aes-128-gcm:%3A", ":"],
  ];
  for (const [userinfo, password] of table) assert.equal(parsed(`ss://${userinfo}@[::1]:9`).password, password, userinfo);
});

test("a payload that begins with s, / or : survives", () => {
  assert.deepEqual(parsed("ss://salsa20:secret@h:1"), { method: "salsa20", password: "secret", host: "h", port: 1 });
  assert.deepEqual(parsed("ss://ss:ss://@h:1"), { method: "ss", password: "ss://", host: "h", port: 1 });
  assert.deepEqual(parsed("ss:///x:y@h:1"), { method: "/x", password: "y", host: "h", port: 1 });
  assert.deepEqual(parsed("ss://s/s:y@h:1"), { method: "s/s", password: "y", host: "h", port: 1 });
  // Nothing is stripped until something fits: a colon in front leaves the method empty.
  assert.deepEqual(parseAccessUri("ss://:aes-128-gcm:secret@h:1"), { ok: false, reason: "the method is missing" });
  assert.deepEqual(parseAccessUri("ss:////aes-128-gcm:secret@h:1").ok && parsed("ss:////aes-128-gcm:secret@h:1").method, "//aes-128-gcm");
});

test("the form before SIP002: base64 over everything", () => {
  const uri = { method: "aes-256-cfb", password: "p@ss:/w?", host: "2001:db8::1", port: 8389 };
  for (const host of ["[2001:db8::1]", "[2001:DB8::0:1]"]) {
    const whole = `aes-256-cfb:p@ss:/w?@${host}:8389`;
    for (const text of [base64(whole), base64url(whole), base64(whole).replaceAll("=", "%3D"), base64(whole).replaceAll("=", "")]) {
      assert.deepEqual(parsed(`ss://${text}`), uri);
      assert.deepEqual(parsed(`ss://${text}#caf%C3%A9`), { ...uri, tag: "café" });
      assert.deepEqual(parsed(`ss://${text}/?outline=1`), uri);
    }
  }
  // Every length modulo three, with a path behind it or not.
  for (const port of [1, 12, 123, 1234, 12345]) {
    for (const host of ["h", "ho", "hos"]) {
      const text = base64url(`m:p@${host}:${port}`);
      for (const suffix of ["", "/", "/?x=1"])
        assert.deepEqual(parsed(`ss://${text}${suffix}`), { method: "m", password: "p", host, port });
    }
  }
});

test("host, port, query and tag", () => {
  const login = base64url("aes-128-gcm:test");
  const of = (rest: string) => {
    const { method: _method, password: _password, ...others } = parsed(`ss://${login}@${rest}`);
    return others;
  };
  const table: [string, Omit<AccessUri, "method" | "password">][] = [
    ["example.com", { host: "example.com", port: 8388 }],
    ["example.com:", { host: "example.com", port: 8388 }],
    ["example.com/", { host: "example.com", port: 8388 }],
    ["[2001:DB8::1]", { host: "2001:db8::1", port: 8388 }],
    ["[::1]:443/#", { host: "::1", port: 443 }],
    ["b%C3%BCcher.example:1", { host: "bücher.example", port: 1 }],
    ["h:1/?outline=1", { host: "h", port: 1 }],
    ["h:1?outline=1&prefix=%16%03", { host: "h", port: 1 }],
    ["h:1/?plugin=", { host: "h", port: 1 }],
    ["h:1/?plugin=a&plugin=b", { host: "h", port: 1, plugin: { name: "a", opts: "" } }],
    [
      "h:1/?x=1&plugin=obfs-local;obfs=tls;obfs-host=a+b",
      { host: "h", port: 1, plugin: { name: "obfs-local", opts: "obfs=tls;obfs-host=a+b" } },
    ],
    ["h:1/?plugin=p%3Bk%3Da%5C%3Bb%5C%5C%3Bl", { host: "h", port: 1, plugin: { name: "p", opts: "k=a\\;b\\\\;l" } }],
    ["h:1/?plugin=a%5C%3Bb%3Bc", { host: "h", port: 1, plugin: { name: "a\\;b", opts: "c" } }],
    ["h:1#a#b?c@d", { host: "h", port: 1, tag: "a#b?c@d" }],
    ["h:1#100%", { host: "h", port: 1, tag: "100%" }],
    ["h:1#%E6%97%A5%20+", { host: "h", port: 1, tag: "日 +" }],
  ];
  for (const [rest, expected] of table) assert.deepEqual(of(rest), expected, rest);
  assert.deepEqual(parsed(`  SS://${login}@h:1\n`), parsed(`ss://${login}@h:1`));
  // Escaped base64 in the query must not be read as a plugin of the same prefix.
  assert.equal(parsed(`ss://${login}@h:1/?plugins=x&xplugin=y`).plugin, undefined);
});

test("hostile and broken input is refused with a reason that quotes none of it", () => {
  const secret = "hunter2";
  const login = `aes-128-gcm:${secret}`;
  const bad = ["", "ss:", "ss:/", "ss://", `http://${login}@h:1`, `ssconf://${login}@h:1`, `ss://${login}`, `ss://${login}@`, `ss://@h:1`];
  bad.push(
    `ss://${login}@:1`,
    `ss://${login}@h:0`,
    `ss://${login}@h:65536`,
    `ss://${login}@h:99999999`,
    `ss://${login}@h:1x`,
    `ss://${login}@h:-1`,
  );
  bad.push(
    `ss://${login}@::1:8388`,
    `ss://${login}@[::1`,
    `ss://${login}@[fe80::1%25lo]:1`,
    `ss://${login}@[h]:1`,
    `ss://${login}@h:1/path`,
  );
  bad.push(
    `ss://${login}@h%00:1`,
    `ss://${login}@h%0a:1`,
    `ss://${login}@a b:1`,
    `ss://${login}@127.1:1`,
    `ss://${login}@h%:1`,
    `ss://${login}@h:1:2`,
  );
  bad.push(
    `ss://:${secret}@h:1`,
    "ss://aes-128-gcm:@h:1",
    `ss://aes-128-gcm:${secret}%@h:1`,
    `ss://aes-128-gcm:${secret}%ff@h:1`,
    `ss://${secret}@h:1`,
  );
  bad.push(
    `ss://${login}@h:1/?plugin=%`,
    `ss://${login}@h:1/?plugin=%3Bopts`,
    "ss://YWVzLTEyOC1nY206dGVzdA==x@h:1",
    "ss://YWV zLTE@h:1",
    "ss://Y@h:1",
  );
  bad.push(`ss://${base64(`${login}@h`)}=`, `ss://${base64(login)}`, `ss://${base64(`${login}@h:0`)}`, `ss://${base64(`${secret}@h:1`)}`);
  bad.push(
    `ss://${Buffer.from([0xb0, 0x3a, 0xff]).toString("base64")}@h:1`,
    `ss://${Buffer.from([0xfc, 0x3a, 0x61]).toString("base64")}@h:1`,
  );
  bad.push(
    `ss://${"@".repeat(10_000)}`,
    `ss://${"A".repeat(100_001)}`,
    `ss://${"[".repeat(10_000)}@h`,
    `ss://${login}@${":".repeat(10_000)}`,
  );
  for (const text of bad) {
    const result = parseAccessUri(text);
    assert.equal(result.ok, false, JSON.stringify(text.slice(0, 80)));
    if (!result.ok) assert.ok(!result.reason.includes(secret) && result.reason.length > 10, result.reason);
  }
});

test("no text makes the parser throw or quote it", () => {
  const pieces = fc.constantFrom(
    "ss://",
    "@",
    ":",
    "/",
    "?",
    "#",
    "[",
    "]",
    "%",
    "%3D",
    "=",
    "plugin=",
    "\\",
    ";",
    "8388",
    "YWVzLTEyOC1nY206dGVzdA",
    "\0",
    "é",
  );
  fc.assert(
    fc.property(fc.string({ unit: pieces, maxLength: 14 }), fc.string(), (made, any) => {
      for (const text of [`ss://${made}`, any, `ss://${any}`]) {
        const result = parseAccessUri(text);
        if (result.ok) assert.deepEqual(parseAccessUri(formatAccessUri(result.uri)), result);
      }
    }),
    { numRuns: 3000 },
  );
});

test("canonical text", () => {
  const at = { host: "192.168.100.1", port: 8888 };
  const table: [AccessUri, string][] = [
    [{ method: "aes-128-gcm", password: "test", ...at, tag: "Example1" }, "ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1"],
    [
      { method: "rc4-md5", password: "passwd", ...at, plugin: { name: "obfs-local", opts: "obfs=http" }, tag: "Example2" },
      "ss://cmM0LW1kNTpwYXNzd2Q@192.168.100.1:8888/?plugin=obfs-local%3Bobfs%3Dhttp#Example2",
    ],
    [
      { method: "2022-blake3-aes-256-gcm", password: "YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=", ...at },
      "ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D@192.168.100.1:8888",
    ],
    [
      { method: "2022-blake3-aes-128-gcm", password: "AA==:BB==", host: "[2001:DB8::1]", port: 8388 },
      "ss://2022-blake3-aes-128-gcm:AA%3D%3D%3ABB%3D%3D@[2001:db8::1]:8388",
    ],
    [
      { method: "m", password: "p", host: "bücher.example", port: 1, tag: "日 本" },
      "ss://bTpw@b%C3%BCcher.example:1#%E6%97%A5%20%E6%9C%AC",
    ],
  ];
  for (const [uri, text] of table) assert.equal(formatAccessUri(uri), text);
});

test("SIP022 methods are never written in base64", () => {
  for (const { name, kind } of METHODS) {
    const text = formatAccessUri({ method: name, password: "c2VjcmV0", host: "h", port: 1 });
    assert.equal(text.startsWith(`ss://${name}:`), kind === "aead-2022", text);
  }
});

test("values no URI can carry are refused with a TypeError that quotes nothing", () => {
  const good: AccessUri = { method: "aes-128-gcm", password: "hunter2", host: "h", port: 1 };
  const bad: Partial<AccessUri>[] = [
    { method: "" },
    { method: "a:b" },
    { password: "" },
    { host: "" },
    { host: "a b" },
    { port: 0 },
    { port: 65536 },
  ];
  bad.push(
    { port: 1.5 },
    { password: "hunter2\ud800" },
    { tag: "\udc00" },
    { plugin: { name: "", opts: "x" } },
    { plugin: { name: "a;b", opts: "" } },
  );
  bad.push({ plugin: { name: "a\\", opts: "x" } }, { host: "fe80::1%lo" });
  for (const change of bad) {
    assert.throws(
      () => formatAccessUri({ ...good, ...change }),
      (error: Error) => error instanceof TypeError && !error.message.includes("hunter2"),
      JSON.stringify(change),
    );
  }
});

const text = (minLength: number) => fc.string({ unit: "binary", minLength, maxLength: 40 }).filter((value) => value.isWellFormed());
const hosts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()).map((host) => addressFrom(host, 1)?.host ?? "localhost");
const plugins = fc.record(
  {
    name: fc.string({ unit: fc.constantFrom("a", "-", "\\;", "\\\\", "é", "=", "&", "%"), minLength: 1, maxLength: 8 }),
    opts: fc.string({ unit: fc.constantFrom("a", ";", "=", "\\", "\\;", "+", "#", "/", "?", "日"), maxLength: 12 }),
  },
  { noNullPrototype: true },
);
const uris = fc
  .record(
    {
      method: fc.oneof(
        fc.constantFrom(...METHODS.map((method) => method.name)),
        text(1).map((method) => method.replaceAll(":", "_")),
      ),
      password: fc.oneof(text(1), fc.constantFrom("s", "/", ":", "ss://", "@", "#?", "%", "=")),
      host: hosts,
      port: fc.integer({ min: 1, max: 0xffff }),
      plugin: plugins,
      tag: text(1),
    },
    { requiredKeys: ["method", "password", "host", "port"], noNullPrototype: true },
  )
  .map((uri) => uri as AccessUri);

test("every URI that can be written reads back unchanged", () => {
  fc.assert(
    fc.property(uris, (uri) => {
      const written = formatAccessUri(uri);
      assert.match(written, /^[\x21-\x7e]+$/);
      assert.deepEqual(parseAccessUri(written), { ok: true, uri });
    }),
    { numRuns: 1500 },
  );
});
