import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ConfigError } from "@shadowfleet/runtime";
import { nodeBackend } from "@shadowfleet/wire";
import { INTERFACE_VERSION } from "../src/addon.ts";
import { chooseAeadBackend } from "../src/choose-backend.ts";
import { selfTest } from "../src/self-test.ts";
import { buildPatchedAddon, type Patch } from "./patched-addon.ts";
import { missingCompiler, TEST_OUTPUT, testAddonPath } from "./test-addon.ts";

const ABSENT = join(TEST_OUTPUT, "nowhere/aead.node");
const folder = join(TEST_OUTPUT, "broken");
mkdirSync(folder, { recursive: true });

/** A file with a stamp that fits it, as if it had been built so. */
function brokenFile(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  writeFileSync(`${path}.stamp`, `sources ${createHash("sha256").update(content).digest("hex")}\n`);
  return path;
}

/** What serves, and why, without anything being asked for. */
function outcome(path: string): readonly [name: string, reason: string, isFault: boolean] {
  const { backend, reason = "", isFault } = chooseAeadBackend({}, path);
  return [backend.name, reason, isFault];
}

describe("choice of the backend", () => {
  it("is node:crypto, without a fault, where the addon was not built", () => {
    assert.deepEqual(outcome(ABSENT), ["node:crypto", "the native accelerator is not built", false]);
  });

  it("is node:crypto, with one line of reason, where the file is no addon", () => {
    for (const [name, content] of [
      ["empty.node", ""],
      ["text.node", "#!/bin/sh\necho no addon\n"],
      ["elf.node", Buffer.from("\x7fELF\x02\x01\x01")],
    ] as const) {
      const [backend, reason, isFault] = outcome(brokenFile(name, content));
      assert.deepEqual([backend, isFault], ["node:crypto", true]);
      assert.match(reason, /^the native accelerator is of no use: it cannot be loaded: [^\n]+$/);
    }
  });

  it("is what SHADOWFLEET_AEAD says: node never loads the addon, native insists on it", () => {
    const choice = chooseAeadBackend({ SHADOWFLEET_AEAD: "node" }, brokenFile("unread.node", ""));
    assert.deepEqual(choice, { backend: nodeBackend, sockets: undefined, reason: "SHADOWFLEET_AEAD says so", isFault: false });
    assert.throws(
      () => chooseAeadBackend({ SHADOWFLEET_AEAD: "native" }, ABSENT),
      (error) => error instanceof ConfigError && /SHADOWFLEET_AEAD: is native, but the native accelerator is not built/.test(error.message),
    );
  });

  it("is refused when SHADOWFLEET_AEAD says something else; empty is as good as not set", () => {
    assert.throws(
      () => chooseAeadBackend({ SHADOWFLEET_AEAD: "fast" }, ABSENT),
      /SHADOWFLEET_AEAD: must be auto, native or node, not "fast"/,
    );
    assert.equal(chooseAeadBackend({ SHADOWFLEET_AEAD: "" }, ABSENT).backend, nodeBackend);
    assert.equal(chooseAeadBackend({ SHADOWFLEET_AEAD: "auto" }, ABSENT).backend, nodeBackend);
  });
});

describe("choice of the backend where a compiler is", { skip: missingCompiler ?? false }, () => {
  it("is native when the addon is there and works", () => {
    for (const environment of [{}, { SHADOWFLEET_AEAD: "native" }, { SHADOWFLEET_AEAD: "auto" }]) {
      const { backend, sockets, reason, isFault } = chooseAeadBackend(environment, testAddonPath());
      assert.deepEqual([backend.name, sockets === undefined, reason, isFault], ["native", false, undefined, false]);
    }
  });

  it("is node:crypto when the addon was cut short or changed, or lost its stamp", () => {
    const path = join(folder, "changed.node");
    const whole = readFileSync(testAddonPath());
    const refused = ["node:crypto", "the native accelerator is of no use: its file is not what was built", true];
    copyFileSync(`${testAddonPath()}.stamp`, `${path}.stamp`);
    for (const content of [
      whole.subarray(0, 4_096),
      Buffer.concat([whole, Buffer.of(0)]),
      whole.fill(0, 5_000, 5_001).fill(1, 5_001, 5_002),
    ]) {
      writeFileSync(path, content);
      assert.deepEqual(outcome(path), refused);
    }
    copyFileSync(testAddonPath(), path);
    assert.deepEqual(outcome(path), ["native", "", false]);
    rmSync(`${path}.stamp`);
    assert.deepEqual(outcome(path), refused);
  });

  it("is node:crypto when the addon is for another processor", () => {
    const foreign = readFileSync(testAddonPath());
    const machineAt = 18;
    foreign.writeUInt16LE(process.arch === "arm64" ? 0x3e : 0xb7, machineAt);
    const [backend, reason, isFault] = outcome(brokenFile("foreign.node", foreign));
    assert.deepEqual([backend, isFault], ["node:crypto", true]);
    assert.match(reason, /it cannot be loaded: /);
  });

  const faults: readonly (readonly [what: string, reason: RegExp, patch: Patch])[] = [
    [
      "was built from sources of another interface",
      new RegExp(`it was built from other sources \\(interface 999, not ${INTERFACE_VERSION}\\)$`),
      { file: "native/addon.c", text: `#define INTERFACE_VERSION ${INTERFACE_VERSION}`, instead: "#define INTERFACE_VERSION 999" },
    ],
    [
      "is a library that registers nothing",
      /it cannot be loaded: .*did not self-register/,
      {
        file: "native/addon.c",
        text: "NAPI_MODULE_INIT() {",
        instead: "napi_value nobodys(napi_env env, napi_value exports);\nnapi_value nobodys(napi_env env, napi_value exports) {",
      },
    ],
    [
      "needs a function of OpenSSL that this Node does not have",
      /it cannot be loaded: .*undefined symbol: EVP_CipherFinal_gone$/,
      {
        file: "native/cipher.c",
        text: "  return EVP_CipherFinal_ex(",
        instead: "  extern int EVP_CipherFinal_gone(EVP_CIPHER_CTX *, uint8_t *, int *);\n  return EVP_CipherFinal_gone(",
      },
    ],
    [
      "derives wrong subkeys",
      /its self-test fails for aes-128-gcm$/,
      { file: "native/subkey.c", text: '"ss-subkey"', instead: '"ss-subkez"' },
    ],
    [
      "takes another cipher for ChaCha20",
      /its self-test fails for chacha20-poly1305$/,
      { file: "native/cipher.c", text: '{"chacha20-poly1305", 32}', instead: '{"aes-256-gcm", 32}' },
    ],
    [
      "does not look at tags",
      /its self-test fails for aes-128-gcm$/,
      { file: "native/cipher.c", text: "if (passed && finish(context)) return DONE;", instead: "if (passed) return (void)finish, DONE;" },
    ],
  ];
  for (const [i, [what, reason, patch]] of faults.entries()) {
    it(`is node:crypto, with one line of reason, when the addon ${what}`, () => {
      const [backend, given, isFault] = outcome(buildPatchedAddon(`fault-${i}`, [patch]));
      assert.deepEqual([backend, isFault], ["node:crypto", true]);
      assert.match(given, /^the native accelerator is of no use: [^\n]+$/);
      assert.match(given, reason);
    });
  }
});

describe("self-test", () => {
  it("has the answers that node:crypto gives", () => assert.doesNotThrow(() => selfTest(nodeBackend)));
});
