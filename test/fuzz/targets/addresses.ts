import assert from "node:assert/strict";
import { BlockList, isIP, isIPv4 } from "node:net";
import { createTargetGuard } from "@shadowfleet/relay";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { ATYP_DOMAIN, ATYP_IPV4, addressFrom, addressLength, formatHostPort, readAddress, writeAddress } from "@shadowfleet/wire";
import { parseAddress, parseCidr } from "../../../packages/relay/src/cidr.ts";
import { compileTargets } from "../../../packages/relay/src/target-guard.ts";
import { formatDatagram, openDatagram } from "../../../services/gateway/src/front/socks5-datagram.ts";
import { targetListProblems } from "../../../services/management/src/domain/target-list.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { addressBytes, payloadBytes, pick } from "../models/addresses.ts";

const TEXTS = [
  "127.0.0.1",
  "0.0.0.0",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "2002:7f00:1::",
  "64:ff9b::10.0.0.1",
  "2001:0:4136:e378:8000:63bf:3fff:fdd2",
  "fd00:ec2::254",
  "fe80::1%lo",
  "[2001:db8::1]",
  "example.com.",
  "2130706433",
  "0x7f.1",
  "010.0.0.1",
];
const TOKENS = [".", ":", "::", "%", "[", "]", "0x", "ffff", "255", "/", "/32", "\0", "xn--", "é"];

const socksAddress: FuzzTarget = {
  name: "address",
  reaches: ["ok, ip", "ok, name", "incomplete", "malformed"],
  tokens: TOKENS,
  unit: 60_000,
  generate: (random) => [addressBytes(random), payloadBytes(random).subarray(0, 30)],
  execute(parts, random) {
    const bytes = Buffer.concat(parts);
    const start = random.below(Math.min(4, bytes.length + 1));
    const read = readAddress(bytes, start, bytes.length);
    if (!read.ok) return read.incomplete ? "incomplete" : "malformed";
    const { target, next } = read;
    assert.ok(next > start && next <= bytes.length);
    // What is passed on is read by the next hop as the same.
    const written = Buffer.alloc(addressLength(target));
    assert.equal(writeAddress(target, written, 0), written.length);
    assert.deepEqual(readAddress(written, 0, written.length), { ok: true, target, next: written.length });
    assert.deepEqual(addressFrom(target.host, target.port), target);
    assert.equal(isIP(target.host) !== 0, target.type !== ATYP_DOMAIN, "whoever judges the target sees what it is");
    assert.ok(formatHostPort(target).endsWith(`:${target.port}`));
    return target.type === ATYP_DOMAIN ? "ok, name" : "ok, ip";
  },
};

const socksDatagram: FuzzTarget = {
  name: "socks-datagram",
  reaches: ["ok", "TOO_SHORT", "FRAGMENT_NOT_SUPPORTED", "BAD_ADDRESS"],
  unit: 60_000,
  generate: (random) => [Buffer.concat([Buffer.of(0, 0, 0), addressBytes(random)]), payloadBytes(random).subarray(0, 600)],
  execute(parts) {
    const opened = openDatagram(Buffer.concat(parts));
    if (!opened.ok) return opened.code;
    const again = openDatagram(formatDatagram(opened.target, opened.payload));
    assert.ok(again.ok && again.payload.equals(opened.payload));
    assert.deepEqual(again.target, opened.target);
    return "ok";
  },
};

/** The special-purpose registries, once more and in node's own words. */
const reserved = new BlockList();
for (const [block, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  reserved.addSubnet(block, bits, "ipv4");
}
const DENIES_ALL = compileTargets({ allow: ["0.0.0.0/0", "::/0"], deny: ["0.0.0.0/0", "::/0"] });
const globalIpv6 = new BlockList();
globalIpv6.addSubnet("2000::", 3, "ipv6");
const guard = createTargetGuard({ allowPrivateTargets: false, allowTargets: ["allowed.example"], denyTargets: ["203.1.0.0/16"] });

/** Any spelling of an address: refused when reserved, by node's reading of it. */
const guarded: FuzzTarget = {
  name: "target-guard",
  reaches: ["ok", "refused", "no address"],
  tokens: TOKENS,
  unit: 60_000,
  generate: (random) => [Buffer.from(random.below(2) === 0 ? pick(TEXTS, random) : randomIp(random))],
  execute(parts, random) {
    const text = Buffer.concat(parts).toString("utf8");
    const admitted = guard.admits(text, random.below(4) === 0 ? "name.example" : undefined);
    assert.equal(guard.admits(text), admitted, "asked twice, told the same");
    assert.ok(!guard.admits(text, undefined, DENIES_ALL), "what a key denies is denied");
    const groups = parseAddress(text);
    if (isIP(text) === 0) assert.ok(!admitted && groups === undefined, "what node cannot dial is refused");
    if (isIP(text) !== 0 && isIPv4(text)) assert.ok(!admitted || !reserved.check(text, "ipv4"));
    if (isIP(text) === 6 && !text.includes("%") && admitted && groups?.length === 8) {
      assert.ok(globalIpv6.check(text, "ipv6") || /^64:ff9b:|^::/.test(canonical(text)), `${text} is not in public use`);
    }
    // What management takes, relays can read.
    for (const list of ["allow", "deny"] as const) {
      if (targetListProblems([text], list).length === 0) compileTargets({ allow: [], deny: [], [list]: [text] });
    }
    parseCidr(text);
    if (isIP(text) === 0) return "no address";
    return admitted ? "ok" : "refused";
  },
};

const canonical = (text: string): string => addressFrom(text, 0)?.host ?? text;

function randomIp(random: PseudoRandom): string {
  const bytes = Buffer.concat([Buffer.of(pick([1, 4], random)), random.bytes(18)]);
  if (bytes[0] === 4 && random.below(2) === 0)
    pick([Buffer.from("2002", "hex"), Buffer.from("0064ff9b", "hex"), Buffer.alloc(12)], random).copy(bytes, 1);
  const read = readAddress(bytes, 0, bytes.length);
  assert.ok(read.ok && (read.target.type === ATYP_IPV4 || read.target.host.includes(":")));
  return read.target.host;
}

export const addresses: readonly FuzzTarget[] = [socksAddress, socksDatagram, guarded];
