import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resolution } from "@shadowfleet/transport";
import { NameRoutes } from "../src/name-routes.ts";

const admitsAll = { admits: () => true };
const resolved = (...addresses: string[]): Resolution & { ok: true } => ({
  ok: true,
  addresses: addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
});

test("IPv4 before IPv6, and only what the guard admits", () => {
  const routes = new NameRoutes();
  assert.equal(routes.choose("a.example", resolved("2001:db8::1", "192.0.2.1"), admitsAll)?.address, "192.0.2.1");
  assert.equal(routes.choose("b.example", resolved("2001:db8::1"), admitsAll)?.address, "2001:db8::1");
  const publicOnly = { admits: (address: string) => address !== "10.0.0.1" };
  assert.equal(routes.choose("c.example", resolved("10.0.0.1", "2001:db8::2"), publicOnly)?.address, "2001:db8::2");
  assert.equal(routes.choose("d.example", resolved("10.0.0.1"), publicOnly), undefined);
});

test("stays with an address as long as the name resolves to it", () => {
  const routes = new NameRoutes();
  routes.choose("a.example", resolved("192.0.2.1", "192.0.2.2"), admitsAll);
  assert.equal(routes.choose("a.example", resolved("192.0.2.2", "192.0.2.1"), admitsAll)?.address, "192.0.2.1");
  assert.equal(routes.choose("a.example", resolved("192.0.2.3", "192.0.2.2"), admitsAll)?.address, "192.0.2.3");
  assert.equal(routes.last("a.example")?.address, "192.0.2.3");
});

test("an address the guard no longer admits is left and forgotten", () => {
  const routes = new NameRoutes();
  const resolution = resolved("192.0.2.1");
  routes.choose("a.example", resolution, admitsAll);
  assert.equal(routes.choose("a.example", resolution, { admits: () => false }), undefined);
  assert.equal(routes.last("a.example"), undefined);
});

test("where IPv4 is out of reach, names with both families move to IPv6", () => {
  const routes = new NameRoutes();
  const both = resolved("192.0.2.1", "2001:db8::1");
  assert.equal(routes.choose("a.example", both, admitsAll)?.address, "192.0.2.1");
  routes.avoidIpv4();
  assert.equal(routes.choose("a.example", both, admitsAll)?.address, "2001:db8::1");
  assert.equal(routes.choose("b.example", resolved("192.0.2.1"), admitsAll)?.address, "192.0.2.1", "better than nothing");
});

test("remembers at most 64 names", () => {
  const routes = new NameRoutes();
  for (let at = 0; at < 65; at++) routes.choose(`n${at}.example`, resolved("192.0.2.1"), admitsAll);
  assert.equal(routes.last("n0.example"), undefined);
  assert.equal(routes.last("n1.example")?.address, "192.0.2.1");
  assert.equal(routes.last("n64.example")?.address, "192.0.2.1");
});
