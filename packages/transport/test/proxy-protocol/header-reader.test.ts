import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { binaryProxyHeader, feed, PseudoRandom, splitsOf, textProxyHeader } from "@shadowfleet/testkit";
import { crc32c } from "../../src/proxy-protocol/crc32c.ts";
import { HeaderReader } from "../../src/proxy-protocol/header-reader.ts";

const BEHIND = Buffer.from("PROXY what stands behind \r\n");

type Result = { readonly client: unknown; readonly behind: string } | "refused" | "more";

/** Reads the header in one piece. */
function read(bytes: Buffer): Result {
  const outcome = new HeaderReader().push(bytes, 0, bytes.length);
  if (!outcome) return "more";
  return outcome.ok ? { client: outcome.header.client, behind: bytes.toString("latin1", outcome.next) } : "refused";
}

function readText(line: string): Result {
  return read(Buffer.from(line, "latin1"));
}

const v4 = { source: { host: "198.51.100.7", port: 56324 } };
const v6 = { source: { host: "2001:db8::7", port: 1 } };
const NETNS = [0x30, Buffer.from("blue")] as const;

const accepted: readonly (readonly [string, Buffer, unknown])[] = [
  ["version 1, IPv4", textProxyHeader(v4), v4.source],
  ["version 1, IPv6", textProxyHeader(v6), v6.source],
  ["version 1, IPv6 in another spelling", Buffer.from("PROXY TCP6 2001:DB8:0:0::0007 ::1 1 2\r\n"), v6.source],
  ["version 1, IPv4 in IPv6", Buffer.from("PROXY TCP6 ::ffff:198.51.100.7 ::ffff:192.0.2.1 9 2\r\n"), { host: "198.51.100.7", port: 9 }],
  ["version 1, UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), undefined],
  ["version 1, UNKNOWN with addresses", Buffer.from(`PROXY UNKNOWN ${"f".repeat(91)}\r\n`), undefined],
  ["version 2, IPv4", binaryProxyHeader(v4), v4.source],
  ["version 2, IPv6", binaryProxyHeader(v6), v6.source],
  ["version 2, IPv4 in IPv6", binaryProxyHeader({ source: { host: "::ffff:c633:6407", port: 9 } }), { host: "198.51.100.7", port: 9 }],
  ["version 2, TLVs", binaryProxyHeader(v4, { tlvs: [NETNS, [0x04, Buffer.alloc(3000)]] }), v4.source],
  ["version 2, checksum", binaryProxyHeader(v6, { tlvs: [NETNS], checksum: "right" }), v6.source],
  ["version 2, LOCAL", binaryProxyHeader(undefined, { command: "LOCAL" }), undefined],
  ["version 2, LOCAL with what is to be skipped", binaryProxyHeader(v4, { command: "LOCAL", tlvs: [NETNS], checksum: "wrong" }), undefined],
  ["version 2, UNSPEC", binaryProxyHeader(undefined), undefined],
  [
    "version 2, UNIX",
    Buffer.concat([binaryProxyHeader(undefined).subarray(0, 13), Buffer.of(0x31, 0, 216), Buffer.alloc(216, 65)]),
    undefined,
  ],
];

const damaged = (bytes: Buffer, at: number, value: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
};

const refused: readonly (readonly [string, Buffer | string])[] = [
  ["a Shadowsocks salt", new PseudoRandom(4).bytes(300)],
  ["HTTP", "POST / HTTP/1.1\r\n"],
  ["lower case", "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"],
  ["two spaces", "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n"],
  ["a space at the end", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n"],
  ["no carriage return", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"],
  ["a carriage return alone", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rX"],
  ["a family it does not have", "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"],
  ["UNKNOWN run into something", "PROXY UNKNOWNX\r\n"],
  ["IPv6 as IPv4", "PROXY TCP4 ::1 ::1 1 2\r\n"],
  ["IPv4 as IPv6", "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"],
  ["a name", "PROXY TCP4 localhost 1.2.3.4 1 2\r\n"],
  ["brackets", "PROXY TCP6 [::1] ::1 1 2\r\n"],
  ["a zone", "PROXY TCP6 fe80::1%lo ::1 1 2\r\n"],
  ["a short IPv4 address", "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"],
  ["a bad destination", "PROXY TCP4 1.2.3.4 1.2.3.444 1 2\r\n"],
  ["a port too high", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n"],
  ["a port with a leading zero", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"],
  ["a port less", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"],
  ["a line too long", `PROXY UNKNOWN ${"f".repeat(92)}\r\n`],
  ["version 3", damaged(binaryProxyHeader(v4), 12, 0x31)],
  ["a command it does not have", damaged(binaryProxyHeader(v4), 12, 0x22)],
  ["a datagram's family", damaged(binaryProxyHeader(v4), 13, 0x12)],
  ["a family it does not have, version 2", damaged(binaryProxyHeader(v4), 13, 0x41)],
  ["an address block too short", damaged(binaryProxyHeader(v4), 15, 11)],
  ["IPv6 in an IPv4 block", damaged(binaryProxyHeader(v4), 13, 0x21)],
  ["4,081 bytes announced", damaged(damaged(binaryProxyHeader(v4), 14, 0x0f), 15, 0xf1)],
  ["a TLV that ends too late", damaged(binaryProxyHeader(v4, { tlvs: [NETNS] }), 30, 5)],
  ["half a TLV", Buffer.concat([damaged(binaryProxyHeader(v4), 15, 14), Buffer.alloc(2)])],
  ["a wrong checksum", binaryProxyHeader(v4, { tlvs: [NETNS], checksum: "wrong" })],
  ["a checksum of two bytes", binaryProxyHeader(v4, { tlvs: [[3, Buffer.alloc(2)]] })],
  ["a changed port under a checksum", damaged(binaryProxyHeader(v4, { checksum: "right" }), 24, 0)],
];

describe("a PROXY protocol header", () => {
  for (const [what, bytes, client] of accepted) {
    test(`${what} is read, however it is cut, and nothing behind it`, () => {
      assert.deepEqual(read(Buffer.concat([bytes, BEHIND])), { client, behind: BEHIND.toString("latin1") });
      for (const split of bytes.length < 600 ? splitsOf(bytes) : []) {
        const reader = new HeaderReader();
        const outcome = feed(split, (src, start, end) => {
          const step = reader.push(src, start, end);
          return step && { ...step, isAtEnd: step.ok && step.next === end };
        });
        assert.deepEqual(outcome?.ok && [outcome.header.client, outcome.isAtEnd], [client, true], split.label);
      }
    });

    test(`${what}: cut short it is not complete`, () => {
      for (let length = 0; length < bytes.length; length++) assert.equal(read(bytes.subarray(0, length)), "more", `${length} bytes`);
    });
  }

  for (const [what, bytes] of refused) {
    test(`${what} is refused`, () => assert.equal(typeof bytes === "string" ? readText(bytes) : read(bytes), "refused"));
  }

  test("is refused at its first wrong byte", () => {
    for (const [good, prefix] of [
      [textProxyHeader(v4), 6],
      [binaryProxyHeader(v4), 14],
    ] as const) {
      for (let at = 0; at < prefix; at++)
        assert.equal(read(damaged(good, at, 0xee).subarray(0, Math.max(at + 1, at < 12 ? 1 : 16))), "refused");
    }
  });

  test("the checksum is CRC32C", () => assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283));
});
