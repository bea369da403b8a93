import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ATYP_DOMAIN,
  ATYP_IPV4,
  ATYP_IPV6,
  addressFrom,
  addressLength,
  formatHostPort,
  readAddress,
  type TargetAddress,
  writeAddress,
} from "../src/address.ts";

const bytesOf = (target: TargetAddress): Buffer => {
  const bytes = Buffer.alloc(addressLength(target));
  assert.equal(writeAddress(target, bytes, 0), bytes.length);
  return bytes;
};
const fromHex = (hex: string) => {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return readAddress(bytes, 0, bytes.length);
};
const domainBytes = (name: string | Buffer, port = "0050"): Buffer => {
  const bytes = Buffer.from(name as string, "utf8");
  return Buffer.concat([Buffer.from([ATYP_DOMAIN, bytes.length]), bytes, Buffer.from(port, "hex")]);
};

test("addressFrom tells literals from names", () => {
  const table: [string, number, TargetAddress["type"], string][] = [
    ["127.0.0.1", 80, ATYP_IPV4, "127.0.0.1"],
    ["::1", 80, ATYP_IPV6, "::1"],
    ["[2001:DB8::0:1]", 443, ATYP_IPV6, "2001:db8::1"],
    ["::ffff:7f00:1", 1, ATYP_IPV6, "::ffff:127.0.0.1"],
    ["example.com", 0, ATYP_DOMAIN, "example.com"],
    ["Example.COM.", 65535, ATYP_DOMAIN, "Example.COM."],
    ["localhost", 1, ATYP_DOMAIN, "localhost"],
    ["_dns.resolver-1.arpa", 1, ATYP_DOMAIN, "_dns.resolver-1.arpa"],
    ["1.2.3.4.example", 1, ATYP_DOMAIN, "1.2.3.4.example"],
    ["4chan.org", 1, ATYP_DOMAIN, "4chan.org"],
    ["host.1e", 1, ATYP_DOMAIN, "host.1e"],
    ["bücher.example", 1, ATYP_DOMAIN, "bücher.example"],
    ["a".repeat(255), 1, ATYP_DOMAIN, "a".repeat(255)],
  ];
  for (const [text, port, type, host] of table) assert.deepEqual(addressFrom(text, port), { type, host, port }, text);
});

test("addressFrom refuses what is neither", () => {
  const hosts = [
    "",
    "a".repeat(256),
    "é".repeat(128),
    "a\0b",
    "a\nb",
    "a b",
    "a\x7f",
    "a\u0085b",
    "\ud800",
    "fe80::1%eth0",
    "[fe80::1%eth0]",
  ];
  hosts.push("[::1", "::1]", "[]", "[1.2.3.4]", "[example.com]", "host:80", "user@host", "a/b", "a%41", "a\\b", "a#b", "a?b");
  // `inet_aton` forms, which the resolver would turn into an address behind everyone's back.
  hosts.push("127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "1.2.3.256", "example.1", "0x", "0");
  for (const host of hosts) assert.equal(addressFrom(host, 80), undefined, JSON.stringify(host));
  for (const port of [-1, 65536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(addressFrom("a", port), undefined, String(port));
});

test("known bytes", () => {
  const table: [string, number, string][] = [
    ["example.com", 80, "03 0b 6578616d706c652e636f6d 0050"],
    ["8.8.8.8", 53, "01 08080808 0035"],
    ["255.254.253.252", 65535, "01 fffefdfc ffff"],
    ["2001:db8::1", 443, "04 20010db8000000000000000000000001 01bb"],
    ["::ffff:192.0.2.1", 0, "04 00000000000000000000ffffc0000201 0000"],
  ];
  for (const [host, port, hex] of table) {
    const target = addressFrom(host, port);
    assert.ok(target);
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    assert.deepEqual(bytesOf(target), bytes, host);
    assert.deepEqual(fromHex(hex), { ok: true, target, next: bytes.length });
  }
});

test("a domain that is a literal IP comes back as that IP", () => {
  const table: [string, TargetAddress["type"], string][] = [
    ["127.0.0.1", ATYP_IPV4, "127.0.0.1"],
    ["::1", ATYP_IPV6, "::1"],
    ["[::FFFF:10.0.0.1]", ATYP_IPV6, "::ffff:10.0.0.1"],
  ];
  for (const [name, type, host] of table) {
    const bytes = domainBytes(name);
    assert.deepEqual(readAddress(bytes, 0, bytes.length), { ok: true, target: { type, host, port: 80 }, next: bytes.length });
  }
});

test("malformed is told from incomplete", () => {
  const incomplete = [
    "",
    "01",
    "01 7f0000",
    "01 7f000001 00",
    "03",
    "03 01",
    "03 01 61",
    "03 01 61 00",
    `04 ${"00".repeat(17)}`,
    "03 05 6100",
  ];
  for (const hex of incomplete) assert.deepEqual(fromHex(hex), { ok: false, incomplete: true }, hex);
  const malformed = ["00", "02", "05", "11 7f000001 0050", "81", "ff", "03 00", "03 00 0050"];
  for (const hex of malformed) assert.deepEqual(fromHex(hex), { ok: false, incomplete: false }, hex);
  const names = ["a\0", "\0", "a\nb", "a b", "\x7f", "fe80::1%lo", "127.1", "127.0.0.1.", "0x7f000001", "host:80", "[]"];
  for (const name of names) {
    const bytes = domainBytes(name);
    assert.deepEqual(readAddress(bytes, 0, bytes.length), { ok: false, incomplete: false }, JSON.stringify(name));
  }
  for (const notUtf8 of ["03 01 ff 0050", "03 02 c328 0050", "03 03 eda080 0050", "03 02 c285 0050"]) {
    assert.deepEqual(fromHex(notUtf8), { ok: false, incomplete: false }, notUtf8);
  }
});

const ipv6Groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
const hosts = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  ipv6Groups.map((parts) => parts.map((part) => part.toString(16)).join(":")),
  fc.domain(),
  fc.string({ unit: fc.constantFrom("a", "Z", "0", "-", "_", ".", "é", "日"), minLength: 1, maxLength: 60 }),
);
const targets = fc.tuple(hosts, fc.integer({ min: 0, max: 0xffff })).map(([host, port]) => addressFrom(host, port));

test("round trip at any offset, incomplete at every shorter length", () => {
  fc.assert(
    fc.property(targets, fc.nat(20), (target, at) => {
      fc.pre(target !== undefined);
      const length = addressLength(target);
      const buffer = Buffer.alloc(at + length + 3, 0xaa);
      const next = writeAddress(target, buffer, at);
      assert.equal(next, at + length);
      assert.ok(buffer.subarray(0, at).every((byte) => byte === 0xaa) && buffer.subarray(next).every((byte) => byte === 0xaa));
      assert.deepEqual(readAddress(buffer, at, buffer.length), { ok: true, target, next });
      assert.deepEqual(addressFrom(target.host, target.port), target);
      for (let end = at; end < next; end++) assert.deepEqual(readAddress(buffer, at, end), { ok: false, incomplete: true });
    }),
  );
});

test("any bytes: no exception, never past the end, and what is read writes back", () => {
  const junk = fc.tuple(fc.constantFrom(1, 3, 3, 4, 0, 255), fc.uint8Array({ maxLength: 280 }));
  fc.assert(
    fc.property(junk, ([type, rest]) => {
      const bytes = Buffer.from([type, ...rest]);
      const result = readAddress(bytes, 0, bytes.length);
      if (!result.ok) return;
      assert.ok(result.next <= bytes.length);
      const again = bytesOf(result.target);
      if (result.target.type === type) assert.deepEqual(again, bytes.subarray(0, result.next));
      else assert.equal(type, ATYP_DOMAIN);
    }),
    { numRuns: 2000 },
  );
});

test("writing a hand-made target that is not well-formed throws", () => {
  const room = Buffer.alloc(600);
  assert.throws(() => writeAddress({ type: ATYP_DOMAIN, host: "a".repeat(256), port: 1 }, room, 0), RangeError);
  assert.throws(() => writeAddress({ type: ATYP_DOMAIN, host: "", port: 1 }, room, 0), RangeError);
  assert.throws(() => writeAddress({ type: ATYP_IPV4, host: "localhost", port: 1 }, room, 0), RangeError);
  assert.throws(() => writeAddress({ type: ATYP_IPV6, host: "::1%lo", port: 1 }, room, 0), RangeError);
  assert.throws(() => writeAddress({ type: ATYP_IPV4, host: "127.0.0.1", port: 65536 }, room, 0), RangeError);
  assert.throws(() => writeAddress({ type: ATYP_DOMAIN, host: "example.com", port: 1 }, Buffer.alloc(5), 0), RangeError);
});

test("formatHostPort brackets IPv6", () => {
  const table: [string, string][] = [
    ["::1", "[::1]:80"],
    ["127.0.0.1", "127.0.0.1:80"],
    ["example.com", "example.com:80"],
  ];
  for (const [host, text] of table) assert.equal(formatHostPort(addressFrom(host, 80) as TargetAddress), text);
});
