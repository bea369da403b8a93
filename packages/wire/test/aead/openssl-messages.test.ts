import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { cryptoMessages } from "../../src/aead/crypto-messages.ts";
import type { MessageCipher } from "../../src/aead/message-cipher.ts";
import { createNodeAeads } from "../../src/aead/node-aead.ts";
import { findOpensslCalls, type OpensslCalls } from "../../src/aead/openssl-calls.ts";
import { DESK_TEXT_LENGTH } from "../../src/aead/openssl-desk.ts";
import { createOpensslMessages } from "../../src/aead/openssl-messages.ts";
import { aeadSuite, type Refusal } from "./aead-suite.ts";
import { chunkSuite } from "./chunk-suite.ts";

const SOURCE = new URL("../../src/aead/openssl-messages.ts", import.meta.url).href;
const hasFfi = process.getBuiltinModule("node:ffi" as never) !== undefined;

function suites(name: string, cipher: MessageCipher, refusal: Refusal): void {
  const backend = { name, ...createNodeAeads(cipher) };
  aeadSuite(backend, refusal);
  chunkSuite(backend);
}

suites("node:crypto's own objects", cryptoMessages, "untouched");
const direct = createOpensslMessages();
if (direct !== undefined) suites("OpenSSL's own calls", direct, "zeroed");

/** What a process with these options says of itself when it looks for OpenSSL's calls. */
function look(...options: string[]): { stdout: string; stderr: string } {
  const script = `import { createOpensslMessages } from "${SOURCE}"; console.log(createOpensslMessages() !== undefined);`;
  return spawnSync(process.execPath, [...options, "--input-type=module", "--eval", script], { encoding: "utf8" });
}

describe("OpenSSL's own calls", () => {
  it("are there from Node 26 on, without a warning", () => {
    const { stdout, stderr } = look();
    assert.equal(stdout, `${hasFfi}\n`);
    assert.doesNotMatch(stderr, /FFI/);
  });

  it("are not there where the operator has turned them off", () => {
    assert.equal(look(...(hasFfi ? ["--no-experimental-ffi"] : [])).stdout, "false\n");
  });

  it("are done without where they fail or do not agree with node:crypto", () => {
    const calls = (result: number): OpensslCalls => ({
      functions: {
        EVP_CIPHER_fetch: () => 1n,
        EVP_CIPHER_CTX_new: () => 1n,
        EVP_EncryptInit: () => result,
        EVP_DecryptInit: () => result,
        EVP_CipherUpdate: () => result,
        EVP_CipherFinal_ex: () => result,
        EVP_CIPHER_CTX_get_params: () => result,
        EVP_CIPHER_CTX_set_params: () => result,
      },
      addressOf: () => 1n,
    });
    assert.equal(createOpensslMessages(calls(1)), undefined, "everything succeeds and nothing is written");
    assert.equal(createOpensslMessages(calls(0)), undefined, "every call fails");
  });

  it("agree with node:crypto on both sides of the longest text that passes over the desk", () => {
    const ours = (direct ?? cryptoMessages).withKey("aes-256-gcm", Buffer.alloc(32, 7));
    const theirs = cryptoMessages.withKey("aes-256-gcm", Buffer.alloc(32, 7));
    for (const length of [0, 1, 64, 65, DESK_TEXT_LENGTH - 1, DESK_TEXT_LENGTH, DESK_TEXT_LENGTH + 1, 3 * DESK_TEXT_LENGTH]) {
      const [nonce, plaintext] = [Buffer.alloc(12, length), Buffer.from(Array.from({ length }, (_, i) => i))];
      const [sealed, expected, opened] = [Buffer.alloc(length + 20), Buffer.alloc(length + 20), Buffer.alloc(length + 3)];
      ours.seal(nonce, plaintext, 0, length, sealed, 2);
      theirs.seal(nonce, plaintext, 0, length, expected, 2);
      assert.deepEqual(sealed, expected, `${length} bytes`);
      assert.ok(ours.open(nonce, sealed, 2, length + 18, opened, 1));
      assert.deepEqual(opened, Buffer.concat([Buffer.alloc(1), plaintext, Buffer.alloc(2)]));
    }
  });

  it("are never made with what lies outside a buffer", () => {
    const calls: string[] = [];
    const found = findOpensslCalls();
    const recording = found && {
      ...found,
      functions: new Proxy(found.functions, {
        get(target, name: keyof OpensslCalls["functions"]) {
          calls.push(name);
          return target[name];
        },
      }),
    };
    const keyed = (createOpensslMessages(recording) ?? cryptoMessages).withKey("aes-256-gcm", Buffer.alloc(32));
    const [nonce, buffer] = [Buffer.alloc(12), Buffer.alloc(64)];
    calls.length = 0;
    const outside: readonly (readonly [number, number, number])[] = [
      [0, 65, 0],
      [-1, 10, 0],
      [20, 10, 0],
      [0, 48, 1],
      [0, 32, -1],
      [0, Number.NaN, 0],
    ];
    for (const [start, end, at] of outside) {
      if (found) assert.throws(() => keyed.seal(nonce, buffer, start, end, Buffer.alloc(64), at), RangeError);
    }
    for (const [start, end, at] of [
      [0, 65, 0],
      [-1, 20, 0],
      [0, 15, 0],
      [0, 64, 17],
      [0, 64, -1],
    ] as const) {
      if (found) assert.throws(() => keyed.open(nonce, buffer, start, end, Buffer.alloc(64), at), RangeError);
    }
    assert.deepEqual(calls, []);
  });
});
