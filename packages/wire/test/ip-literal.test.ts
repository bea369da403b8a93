import assert from "node:assert/strict";
import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { formatIpv4, formatIpv6, IPV6_GROUPS, NOT_IPV4, parseIpv4, parseIpv6 } from "../src/ip-literal.ts";

const groups = new Uint16Array(IPV6_GROUPS);
const canonical = (text: string): string | undefined => (parseIpv6(text, groups) ? formatIpv6(groups) : undefined);

/** What the C library makes of it. It writes the deprecated IPv4-compatible ::/96 with a tail as well; RFC 5952 §5 asks for that only where a prefix says so. */
const byLibuv = (text: string): string => new SocketAddress({ address: text, family: "ipv6" }).address;

test("IPv4 literals are four decimal octets and nothing else", () => {
  const good: [string, number][] = [
    ["0.0.0.0", 0],
    ["127.0.0.1", 0x7f000001],
    ["255.255.255.255", 0xffffffff],
    ["10.20.30.40", 0x0a141e28],
  ];
  for (const [text, value] of good) {
    assert.equal(parseIpv4(text), value, text);
    assert.equal(formatIpv4(value), text);
  }
  const bad = ["", ".", "1", "127.1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", "1.2.3.4.5", "256.1.1.1", "1.1.1.256", "01.2.3.4"];
  for (const text of [
    ...bad,
    "1.2.3.04",
    "00.0.0.0",
    "0x7f.0.0.1",
    "2130706433",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4\0",
    "1.2.3.-4",
    "１.2.3.4",
  ]) {
    assert.equal(parseIpv4(text), NOT_IPV4, JSON.stringify(text));
  }
});

test("IPv6 literals: RFC 4291 forms in, RFC 5952 text out", () => {
  const table: [string, string][] = [
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8:0000:0001:0001:0001:0001:0001", "2001:db8:0:1:1:1:1:1"],
    ["2001:db8::0:1", "2001:db8::1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::FFFF:c000:201", "::ffff:192.0.2.1"],
    ["0:0:0:0:0:ffff:255.255.255.255", "::ffff:255.255.255.255"],
    ["::13.1.68.3", "::d01:4403"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
    ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ];
  for (const [text, expected] of table) assert.equal(canonical(text), expected, text);
});

test("IPv6 literals: everything else is refused, zones included", () => {
  const bad = [
    "",
    ":",
    ":::",
    "1",
    "1:",
    ":1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8:",
  ];
  bad.push("1::2::3", "1:::2", "::1::", "1:2:3:4::5:6:7:8", "12345::", "::g", "fe80::1%lo", "::1%", "[::1]", " ::1", "::1 ", "::1\0");
  bad.push("1.2.3.4", "::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "::01.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::-1");
  for (const text of bad) assert.equal(canonical(text), undefined, JSON.stringify(text));
});

test("both parsers agree with the C library on text made of their own alphabet", () => {
  const v6Text = fc.string({ unit: fc.constantFrom("0", "1", "a", "F", ":", "::", "ffff", ".", "1.2.3.4", "%", "10"), maxLength: 12 });
  fc.assert(
    fc.property(v6Text, (text) => assert.equal(parseIpv6(text, groups), isIPv6(text) && !text.includes("%"))),
    { numRuns: 3000 },
  );
  const v4Text = fc.string({ unit: fc.constantFrom("0", "1", "25", "6", ".", "255.", "x"), maxLength: 9 });
  fc.assert(
    fc.property(v4Text, (text) => assert.equal(parseIpv4(text) !== NOT_IPV4, isIPv4(text))),
    { numRuns: 3000 },
  );
});

test("every IPv6 address has one text, the C library's, that reads back", () => {
  const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff }));
  const address = fc.array(group, { minLength: IPV6_GROUPS, maxLength: IPV6_GROUPS });
  fc.assert(
    fc.property(address, (parts) => {
      const text = formatIpv6(Uint16Array.from(parts));
      assert.ok(parseIpv6(text, groups));
      assert.deepEqual([...groups], parts);
      const theirs = byLibuv(text);
      if (!theirs.includes(".") || theirs.startsWith("::ffff:")) assert.equal(text, theirs);
    }),
    { numRuns: 2000 },
  );
});
