import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cidrContains, parseAddress, parseCidr } from "../src/cidr.ts";

test("literal addresses become 16-bit groups", () => {
  assert.deepEqual(parseAddress("192.0.2.1"), [0xc000, 0x0201]);
  assert.deepEqual(parseAddress("2001:db8::1"), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual(parseAddress("64:ff9b::192.0.2.33"), [0x64, 0xff9b, 0, 0, 0, 0, 0xc000, 0x0221]);
});

test("an IPv4-mapped address is the IPv4 address it means, however it is spelt", () => {
  const ipv4 = parseAddress("10.1.2.3");
  for (const spelling of ["::ffff:10.1.2.3", "::ffff:a01:203", "0:0:0:0:0:FFFF:0a01:0203"])
    assert.deepEqual(parseAddress(spelling), ipv4, spelling);
});

test("everything but a plain literal is refused", () => {
  const refused = [
    "",
    "example.com",
    "127.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "1.2.3.4.5",
    "256.1.1.1",
    "2130706433",
    "fe80::1%eth0",
    "[::1]",
    "::1/128",
    " ::1",
  ];
  for (const text of refused) assert.equal(parseAddress(text), undefined, text);
});

test("blocks: an address alone is a whole prefix, a block inside ::ffff:0:0/96 an IPv4 block", () => {
  assert.deepEqual(parseCidr("10.0.0.0/8"), { groups: [0x0a00, 0], bits: 8 });
  assert.deepEqual(parseCidr("10.0.0.1"), { groups: [0x0a00, 1], bits: 32 });
  assert.deepEqual(parseCidr("::1"), { groups: [0, 0, 0, 0, 0, 0, 0, 1], bits: 128 });
  assert.deepEqual(parseCidr("::ffff:10.0.0.0/104"), { groups: [0x0a00, 0], bits: 8 });
});

test("blocks that mean nothing are refused", () => {
  for (const text of ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/1e1", "ten/8", "::ffff:0.0.0.0/90"]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test("a block holds its first and last address and not their neighbours", () => {
  const block = parseCidr("172.16.0.0/12")!;
  for (const [address, inside] of [
    ["172.15.255.255", false],
    ["172.16.0.0", true],
    ["172.31.255.255", true],
    ["172.32.0.0", false],
    ["2001:db8::", false],
  ] as const) {
    assert.equal(cidrContains(block, parseAddress(address)!), inside, address);
  }
  assert.ok(cidrContains(parseCidr("::/0")!, parseAddress("2001:db8::1")!));
});

test("membership agrees with comparing the leading bits as text", () => {
  const bitsOf = (groups: readonly number[]) => groups.map((group) => group.toString(2).padStart(16, "0")).join("");
  const group = fc.integer({ min: 0, max: 0xffff });
  const groups = fc.array(group, { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, groups, fc.integer({ min: 0, max: 128 }), fc.integer({ min: 0, max: 128 }), (block, other, bits, shared) => {
      const address = bitsOf(block).slice(0, shared) + bitsOf(other).slice(shared);
      const parsed = Array.from({ length: 8 }, (_, at) => Number.parseInt(address.slice(at * 16, at * 16 + 16), 2));
      assert.equal(cidrContains({ groups: block, bits }, parsed), address.slice(0, bits) === bitsOf(block).slice(0, bits));
    }),
  );
});
