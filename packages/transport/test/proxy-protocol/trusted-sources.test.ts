import assert from "node:assert/strict";
import { test } from "node:test";
import { isAddressBlock, TrustedSources } from "../../src/index.ts";

test("blocks and addresses are trusted, and nothing else", () => {
  const sources = new TrustedSources(["10.0.0.0/8", "192.0.2.7", "2001:db8::/33", "::ffff:198.51.100.0/120", "fe80::/10"]);
  const trusted = ["10.0.0.0", "10.255.255.255", "192.0.2.7", "2001:db8:7fff::1", "198.51.100.9", "fe80::1%eth0"];
  const others = ["11.0.0.0", "192.0.2.8", "2001:db8:8000::1", "198.51.101.9", "::1", "", "example.com"];
  for (const host of trusted) assert.equal(sources.trusts(host), true, host);
  for (const host of others) assert.equal(sources.trusts(host), false, host);
});

test("what is neither is told", () => {
  for (const text of ["10.0.0.0/8", "10.1.2.3", "::/0", "fd00::1"]) assert.equal(isAddressBlock(text), true, text);
  for (const text of ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/8/8", "10.0.0.0/", "fe80::1%lo", "lb.example", "10.0.0.0/-1"]) {
    assert.equal(isAddressBlock(text), false, text);
  }
  assert.throws(() => new TrustedSources(["nowhere"]), TypeError);
});
