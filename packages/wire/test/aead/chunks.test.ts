import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeBackend } from "../../src/aead/aead.ts";
import { createNonce, incrementNonce } from "../../src/aead/nonce.ts";
import { chunkSuite } from "./chunk-suite.ts";

describe("nonce", () => {
  it("counts little-endian across bytes and wraps", () => {
    const nonce = createNonce(12);
    for (let i = 0; i < 0x10203; i += 1) incrementNonce(nonce);
    assert.equal(nonce.toString("hex"), "030201000000000000000000");
    nonce.fill(0xff);
    incrementNonce(nonce);
    assert.ok(nonce.equals(Buffer.alloc(12)));
  });
});

chunkSuite(nodeBackend);
