import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { type AeadAlgorithm, type AeadBackend, createAead, nodeBackend, useAeadBackend } from "../../src/aead/aead.ts";

describe("AEAD backend", () => {
  afterEach(() => useAeadBackend(nodeBackend));

  it("makes every cipher from the moment it is chosen", () => {
    const made: AeadAlgorithm[] = [];
    const counting: AeadBackend = {
      name: "counting",
      createAead(algorithm, key) {
        made.push(algorithm);
        return nodeBackend.createAead(algorithm, key);
      },
      subkeyAeads: nodeBackend.subkeyAeads,
    };
    useAeadBackend(counting);
    createAead("aes-128-gcm", Buffer.alloc(16));
    assert.deepEqual(made, ["aes-128-gcm"]);
  });
});
