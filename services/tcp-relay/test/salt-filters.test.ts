import assert from "node:assert/strict";
import { test } from "node:test";
import { SaltFilters } from "../src/salt-filters.ts";

const salt = Buffer.alloc(32, 1);
const NOW_S = 1_700_000_000;

test("a port keeps one filter a kind of method; ports do not share", () => {
  const filters = new SaltFilters();
  assert.equal(filters.filterFor(1, "aead", true)?.admit(salt, NOW_S), true);
  assert.equal(filters.filterFor(1, "aead", true)?.admit(salt, NOW_S), false);
  assert.equal(filters.filterFor(1, "aead-2022", true)?.admit(salt, NOW_S), true);
  assert.equal(filters.filterFor(2, "aead", true)?.admit(salt, NOW_S), true);
  assert.equal(filters.entries, 3);
});

test("SIP022 always has one, for a minute; SIP004 when it is wanted, without time limit; stream ciphers none", () => {
  const filters = new SaltFilters();
  assert.equal(filters.filterFor(1, "aead", false), undefined);
  assert.equal(filters.filterFor(1, "stream", true), undefined);
  assert.ok(filters.filterFor(1, "aead-2022", false));
  for (const [kind, later] of [
    ["aead", false],
    ["aead-2022", true],
  ] as const) {
    const filter = filters.filterFor(1, kind, true);
    assert.equal(filter?.admit(salt, NOW_S), true);
    assert.equal(filter?.admit(salt, NOW_S + 3600), later, kind);
  }
});

test("a filter lives as long as its port is configured", () => {
  const filters = new SaltFilters();
  const port = (number: number) => ({ host: "::", port: number, keys: [], identityKey: undefined });
  filters.filterFor(1, "aead", true)?.admit(salt, NOW_S);
  filters.filterFor(2, "aead-2022", true)?.admit(salt, NOW_S);
  filters.retain([port(2), port(3)]);
  assert.equal(filters.entries, 1);
  assert.equal(filters.filterFor(2, "aead-2022", true)?.admit(salt, NOW_S), false);
  assert.equal(filters.filterFor(1, "aead", true)?.admit(salt, NOW_S), true);
});
