import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeOf } from "@shadowfleet/runtime";
import { AesSealer, plainSealer } from "../src/index.ts";

const SECRETS = ["", "password", "ünïcödé ☃ 😀", "sealed:1:AAAA", "plain:x", "plain:sealed:1:", "x".repeat(10_000)];
const isUnavailable = (error: unknown) => codeOf(error) === "STORE_UNAVAILABLE";

describe("plainSealer", () => {
  it("gives back what it was given", () => {
    for (const secret of SECRETS) assert.equal(plainSealer.open(plainSealer.seal(secret)), secret);
    assert.equal(plainSealer.seal("password"), "password");
  });

  it("says so when the sealing key is missing", () => {
    assert.throws(() => plainSealer.open(new AesSealer("key").seal("x")), isUnavailable);
  });
});

describe("AesSealer", () => {
  const sealer = new AesSealer("an operator's key");

  it("gives back what it was given, and hides it", () => {
    for (const secret of SECRETS) {
      const sealed = sealer.seal(secret);
      assert.match(sealed, /^sealed:1:[A-Za-z0-9+/]+=*$/);
      assert.equal(sealer.open(sealed), secret);
      assert.notEqual(sealer.seal(secret), sealed);
    }
  });

  it("reads what was stored before there was a key", () => {
    for (const secret of SECRETS) assert.equal(sealer.open(plainSealer.seal(secret)), secret);
  });

  it("refuses what another key sealed, and what was changed or cut", () => {
    const sealed = sealer.seal("secret");
    assert.throws(() => new AesSealer("another key").open(sealed), isUnavailable);
    const changed = sealed.slice(0, 20) + (sealed[20] === "A" ? "B" : "A") + sealed.slice(21);
    assert.throws(() => sealer.open(changed), isUnavailable);
    for (const length of [9, 12, 30]) assert.throws(() => sealer.open(sealed.slice(0, length)), isUnavailable);
  });
});
