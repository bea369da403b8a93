import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSip022ClientStream } from "../../src/sip022/client-stream.ts";
import { createSip022ServerHandshake } from "../../src/sip022/server-handshake.ts";
import type { AcceptedStream, RefusedStream, ServerStreamOptions } from "../../src/stream.ts";
import {
  accepted,
  credentialOf,
  flipped,
  IdentityRing,
  keyNamed,
  methodNamed,
  ScriptedEnvironment,
  type TestKey,
  target,
} from "./fixtures.ts";

const EXAMPLE = target("example.com", 443);
const TAG = 16;
const FIXED = 11;

type Outcome = AcceptedStream<TestKey> | RefusedStream | undefined;
const failureOf = (outcome: Outcome): string | undefined => (outcome === undefined || outcome.ok ? undefined : outcome.failure);

describe("SIP022 request with an identity header", () => {
  const method = methodNamed("2022-blake3-aes-256-gcm");
  const identityKey = keyNamed(method, "iPSK");
  const alice = credentialOf(method, keyNamed(method, "alice"));
  const bob = credentialOf(method, keyNamed(method, "bob"));
  const ring = new IdentityRing(identityKey, { alice, bob });
  const opening = method.saltLength + 16 + FIXED + TAG;
  const client = createSip022ClientStream(credentialOf(method, bob.key, [identityKey]), new ScriptedEnvironment());
  const request = client.sealRequest(EXAMPLE, Buffer.from("hello"));
  const handshakeOf = (options: Partial<ServerStreamOptions> = {}) =>
    createSip022ServerHandshake(method, ring, new ScriptedEnvironment(), { saltFilter: undefined, ...options });

  it("finds the user", () => {
    assert.equal(accepted(handshakeOf().push(request, 0, request.length)).key.name, "bob");
  });

  it("needs the identity header in the first read too", () => {
    for (let length = 1; length < opening; length += 1) {
      assert.equal(failureOf(handshakeOf().push(request, 0, length)), "SEGMENTED_HEADER", `${length} bytes`);
    }
    assert.equal(handshakeOf().push(request, 0, opening), undefined);
  });

  it("opens byte by byte when segmented headers are allowed", () => {
    const handshake = handshakeOf({ allowSegmentedHeader: true });
    for (let at = 0; at < request.length - 1; at += 1) assert.equal(handshake.push(request, at, at + 1), undefined);
    assert.equal(accepted(handshake.push(request, request.length - 1, request.length)).payload.toString(), "hello");
  });

  it("is refused with any byte changed", () => {
    for (let at = 0; at < request.length; at += 1) {
      const changed = flipped(request, at);
      assert.equal(failureOf(handshakeOf().push(changed, 0, changed.length)), "AUTH_FAILED", `byte ${at}`);
    }
  });

  it("is refused when it names nobody, or comes to a port with another identity key", () => {
    const nobody = credentialOf(method, keyNamed(method, "nobody"), [identityKey]);
    const unknown = createSip022ClientStream(nobody, new ScriptedEnvironment()).sealRequest(EXAMPLE, Buffer.from("hello"));
    assert.equal(failureOf(handshakeOf().push(unknown, 0, unknown.length)), "AUTH_FAILED");
    const elsewhere = new IdentityRing(keyNamed(method, "another iPSK"), { alice, bob });
    const handshake = createSip022ServerHandshake(method, elsewhere, new ScriptedEnvironment(), { saltFilter: undefined });
    assert.equal(failureOf(handshake.push(request, 0, request.length)), "AUTH_FAILED");
  });

  it("is refused when it names one user and is sealed with another's key", () => {
    const forged = credentialOf(method, bob.key, [identityKey]);
    const impostor = { ...forged, identityHash: alice.identityHash };
    const bytes = createSip022ClientStream(impostor, new ScriptedEnvironment()).sealRequest(EXAMPLE, Buffer.from("hello"));
    assert.equal(failureOf(handshakeOf().push(bytes, 0, bytes.length)), "AUTH_FAILED");
  });

  it("is refused by a port that has only a single key slot and no key in it", () => {
    const empty = { candidates: () => [], found: () => undefined, single: undefined, identityKey: undefined, byIdentity: () => undefined };
    const handshake = createSip022ServerHandshake(method, empty, new ScriptedEnvironment(), { saltFilter: undefined });
    assert.equal(failureOf(handshake.push(request, 0, request.length)), "AUTH_FAILED");
  });
});
