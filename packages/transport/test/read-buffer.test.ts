import assert from "node:assert/strict";
import test from "node:test";
import { codeOf } from "@shadowfleet/runtime";
import { setReadBufferSize, sharedReadBuffer } from "../src/read-buffer.ts";

const refused = (error: unknown): boolean => codeOf(error) === "CONFIG_INVALID";

test("the size is checked, settable before the first use, and one buffer serves all", () => {
  for (const size of [0, 4095, 1024 * 1024 + 1, 65536.5, Number.NaN]) assert.throws(() => setReadBufferSize(size), refused, String(size));
  setReadBufferSize(128 * 1024);
  setReadBufferSize(32 * 1024);
  assert.equal(sharedReadBuffer().length, 32 * 1024);
  assert.equal(sharedReadBuffer(), sharedReadBuffer());
  setReadBufferSize(32 * 1024);
  assert.throws(() => setReadBufferSize(64 * 1024), refused, "in use with another size");
  assert.equal(sharedReadBuffer().length, 32 * 1024);
});
