import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceNetwork } from "../src/source-network.ts";

test("an IPv4 address is a source by itself, in either form", () => {
  assert.equal(sourceNetwork("192.0.2.1"), "192.0.2.1");
  assert.equal(sourceNetwork("::ffff:192.0.2.1"), "192.0.2.1");
  assert.notEqual(sourceNetwork("::ffff:192.0.2.1"), sourceNetwork("::ffff:192.0.2.2"));
});

test("an IPv6 address counts with its /64, however it is written", () => {
  const spellings = ["2001:db8::1", "2001:db8:0:0:ffff::2", "2001:0DB8::3", "2001:db8::4%eth0"];
  assert.deepEqual(new Set(spellings.map(sourceNetwork)), new Set(["2001:db8:0:0::/64"]));
  assert.notEqual(sourceNetwork("2001:db8:0:1::1"), sourceNetwork("2001:db8::1"));
});

test("what is no address is a source of its own", () => {
  assert.equal(sourceNetwork(""), "");
});
