import assert from "node:assert/strict";
import { test } from "node:test";
import { mapIpv4, unmapIpv4 } from "../src/mapped-address.ts";

test("an IPv4-mapped address is plain IPv4 in both spellings, anything else stays", () => {
  const cases: readonly [string, string][] = [
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::FFFF:192.0.2.7", "192.0.2.7"],
    ["::ffff:7f00:1", "127.0.0.1"],
    ["::ffff:c000:207", "192.0.2.7"],
    ["::ffff:0:0", "0.0.0.0"],
    ["::1", "::1"],
    ["::", "::"],
    ["::ffff:0:7f00:1", "::ffff:0:7f00:1"],
    ["64:ff9b::7f00:1", "64:ff9b::7f00:1"],
    ["10.0.0.1", "10.0.0.1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
  ];
  for (const [host, plain] of cases) assert.equal(unmapIpv4(host), plain, host);
});

test("mapping is undone by unmapping", () => {
  assert.equal(mapIpv4("192.0.2.7"), "::ffff:192.0.2.7");
  assert.equal(mapIpv4("2001:db8::1"), "2001:db8::1");
  for (const host of ["192.0.2.7", "0.0.0.0", "255.255.255.255", "::1"]) assert.equal(unmapIpv4(mapIpv4(host)), host);
});
