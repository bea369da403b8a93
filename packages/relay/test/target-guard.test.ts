import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileTargets, createTargetGuard, sameTargets, type TargetGuardOptions } from "../src/target-guard.ts";

const guardWith = (options: Partial<TargetGuardOptions> = {}) =>
  createTargetGuard({ allowPrivateTargets: false, allowTargets: [], denyTargets: [], ...options });

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "this network": ["0.0.0.0", "0.255.255.255"],
  loopback: ["127.0.0.1", "127.255.255.254"],
  "RFC 1918": ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
  "carrier-grade NAT": ["100.64.0.1", "100.127.255.255", "100.100.100.200"],
  "link-local and metadata": ["169.254.0.1", "169.254.169.254", "169.254.170.2"],
  "Azure's platform address": ["168.63.129.16"],
  "IETF protocol and test networks": [
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "198.19.255.255",
    "192.88.99.1",
  ],
  "multicast, reserved, broadcast": ["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
  "IPv6 unspecified and loopback": ["::", "::1"],
  "unique local": ["fc00::1", "fd00:ec2::254", "fdff:ffff::1"],
  "link-local and site-local": ["fe80::1", "febf::1", "fec0::1", "feff::1"],
  "IPv6 multicast": ["ff02::1", "ff0e::1"],
  "documentation, discard, benchmarking, ORCHID": ["2001:db8::1", "3fff::1", "100::1", "2001:2::1", "2001:10::1", "2001:20::1"],
  "not given out": ["4000::1", "8000::1", "e000::1", "5f00::1"],
  "v4-mapped": ["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "0:0:0:0:0:ffff:10.0.0.1"],
  "v4-compatible and v4-translated": ["::127.0.0.1", "::10.0.0.1", "::ffff:0:192.168.0.1"],
  "6to4": ["2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:101::5"],
  NAT64: ["64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::1"],
  "Teredo with a private server or client": ["2001:0:7f00:1:0:0:f7f7:f7f7", "2001:0:808:808:0:0:f5ff:fffe"],
  "zone ids": ["fe80::1%eth0", "2606:4700::1111%1", "::1%lo"],
  "not an address": ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.1.1.1:80", "[2606:4700::1111]"],
};

const ADMITTED = [
  "1.1.1.1",
  "8.8.8.8",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.1",
  "168.63.129.17",
  "169.253.255.255",
  "172.15.255.255",
  "172.32.0.0",
  "192.0.1.1",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001:81b::200e",
  "::ffff:1.1.1.1",
  "::8.8.8.8",
  "2002:808:808::1",
  "64:ff9b::8.8.8.8",
  "2001:0:808:808:0:0:fefe:fefe",
];

describe("the table of reserved networks", () => {
  for (const [name, addresses] of Object.entries(REFUSED)) {
    test(`refuses ${name}`, () => {
      const guard = guardWith();
      for (const address of addresses) assert.equal(guard.admits(address), false, address);
    });
  }

  test("admits global unicast, up to the very neighbours of the reserved blocks", () => {
    const guard = guardWith();
    for (const address of ADMITTED) assert.equal(guard.admits(address), true, address);
  });

  test("gives the same verdict from its cache", () => {
    const guard = guardWith();
    for (let round = 0; round < 2; round++) {
      assert.equal(guard.admits("10.0.0.1"), false);
      assert.equal(guard.admits("1.1.1.1"), true);
    }
  });

  test("goes on being right after more addresses than it remembers", () => {
    const guard = guardWith();
    for (let n = 0; n < 10_000; n++) assert.equal(guard.admits(`10.0.${n >> 8}.${n & 255}`), false);
    assert.equal(guard.admits("1.1.1.1"), true);
    assert.equal(guard.admits("10.0.0.1"), false);
  });
});

describe("exceptions", () => {
  test("deny wins over allow, allow over the table", () => {
    const guard = guardWith({ allowTargets: ["10.0.0.0/8", "fd00::/8"], denyTargets: ["10.1.0.0/16", "1.1.1.1"] });
    assert.equal(guard.admits("10.2.0.1"), true);
    assert.equal(guard.admits("10.1.0.1"), false);
    assert.equal(guard.admits("fd00::1"), true);
    assert.equal(guard.admits("fc00::1"), false);
    assert.equal(guard.admits("1.1.1.1"), false);
    assert.equal(guard.admits("1.1.1.2"), true);
    assert.equal(guard.admits("127.0.0.1"), false);
  });

  test("rules about an IPv4 address hold for the IPv6 addresses that lead to it", () => {
    const guard = guardWith({ allowTargets: ["10.0.0.0/8"], denyTargets: ["8.8.8.0/24"] });
    for (const address of ["::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::8.8.8.8", "::8.8.8.8"])
      assert.equal(guard.admits(address), false, address);
    for (const address of ["::ffff:10.0.0.1", "2002:a00:1::1", "64:ff9b::10.0.0.1"]) assert.equal(guard.admits(address), true, address);
  });

  test("a Teredo address is denied for its server or its client, and allowed only for both", () => {
    const teredo = "2001:0:a00:1:0:0:fefe:fefe"; // server 10.0.0.1, client 1.1.1.1
    assert.equal(guardWith({ denyTargets: ["1.1.1.1"], allowPrivateTargets: true }).admits(teredo), false);
    assert.equal(guardWith({ allowTargets: ["10.0.0.1"] }).admits(teredo), false);
    assert.equal(guardWith({ allowTargets: ["10.0.0.1", "1.1.1.1"] }).admits(teredo), true);
  });

  test("private targets allowed: the table is gone, deny and the refusal of non-addresses stay", () => {
    const guard = guardWith({ allowPrivateTargets: true, denyTargets: ["169.254.0.0/16"] });
    assert.equal(guard.admits("127.0.0.1"), true);
    assert.equal(guard.admits("::1"), true);
    assert.equal(guard.admits("169.254.169.254"), false);
    assert.equal(guard.admits("::ffff:169.254.169.254"), false);
    assert.equal(guard.admits("64:ff9b::169.254.169.254"), false);
    assert.equal(guard.admits("localhost"), false);
    assert.equal(guard.admits("::1%lo"), false);
  });

  test("an allowed name holds for clients that ask by exactly that name, whatever it resolves to; deny still wins", () => {
    const guard = guardWith({ allowTargets: ["echo.fleet.svc"], denyTargets: ["169.254.0.0/16"] });
    for (const name of ["echo.fleet.svc", "ECHO.fleet.svc", "echo.fleet.svc."]) assert.equal(guard.admits("10.0.0.9", name), true, name);
    for (const name of ["fleet.svc", "x.echo.fleet.svc", "echo.fleet.svc.example", "10.0.0.9", undefined])
      assert.equal(guard.admits("10.0.0.9", name), false, name ?? "no name");
    assert.equal(guard.admits("169.254.169.254", "echo.fleet.svc"), false);
    assert.equal(guard.admits("not an address", "echo.fleet.svc"), false);
    assert.equal(guard.admits("1.1.1.1", "echo.fleet.svc"), true);
  });

  test("a key's own lists are added to the relay's: deny of either wins, allow of either opens", () => {
    const guard = guardWith({ allowTargets: ["10.0.0.0/8", "open.example"], denyTargets: ["10.9.0.0/16"] });
    const own = compileTargets({ allow: ["192.168.0.0/16", "10.9.0.1", "mine.example"], deny: ["10.1.0.0/16", "1.1.1.1"] });
    const cases: readonly (readonly [address: string, name: string | undefined, alone: boolean, withOwn: boolean])[] = [
      ["10.0.0.1", undefined, true, true],
      ["10.1.0.1", undefined, true, false],
      ["10.9.0.1", undefined, false, false],
      ["192.168.0.1", undefined, false, true],
      ["64:ff9b::192.168.0.1", undefined, false, true],
      ["1.1.1.1", undefined, true, false],
      ["2002:101:101::", undefined, true, false],
      ["127.0.0.1", undefined, false, false],
      ["127.0.0.1", "mine.example.", false, true],
      ["127.0.0.1", "open.example", true, true],
      ["10.1.0.1", "mine.example", true, false],
    ];
    for (const [address, name, alone, withOwn] of cases) {
      // Before, between and after: a verdict with lists of a key is not one for everybody.
      assert.equal(guard.admits(address, name), alone, `${address} ${name}`);
      assert.equal(guard.admits(address, name, own), withOwn, `${address} ${name} with lists`);
      assert.equal(guard.admits(address, name), alone, `${address} ${name} again`);
    }
  });

  test("an ISATAP interface id can speak against an address and never for it", () => {
    const guard = guardWith({ allowTargets: ["10.0.0.0/8"], denyTargets: ["8.8.8.8"] });
    assert.equal(guard.admits("2606:4700::5efe:1.1.1.1"), true);
    assert.equal(guard.admits("2606:4700::200:5efe:192.168.0.1"), false);
    assert.equal(guard.admits("2606:4700::5efe:8.8.8.8"), false);
    assert.equal(guard.admits("fd00::5efe:10.0.0.1"), false);
    assert.equal(guard.admits("2002:101:101::5efe:127.0.0.1"), false);
    assert.equal(guard.admits("2606:4700::1:5efe:127.0.0.1"), true, "another interface id");
  });

  test("lists are the same when they say the same", () => {
    const lists = { allow: ["10.0.0.1"], deny: [] };
    assert.ok(sameTargets(undefined, undefined) && sameTargets(compileTargets(lists), compileTargets({ ...lists })));
    for (const other of [undefined, compileTargets({ allow: [], deny: [] }), compileTargets({ allow: [], deny: ["10.0.0.1"] })])
      assert.ok(!sameTargets(compileTargets(lists), other));
  });

  test("a rule that is no block is a bug of the caller", () => {
    assert.throws(() => guardWith({ allowTargets: ["10.0.0.0/99"] }), TypeError);
  });
});
