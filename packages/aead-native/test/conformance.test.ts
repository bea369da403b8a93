import { describe } from "node:test";
import { aeadSuite } from "../../wire/test/aead/aead-suite.ts";
import { chunkSuite } from "../../wire/test/aead/chunk-suite.ts";
import { missingCompiler, testBackend } from "./test-addon.ts";

describe("the native backend does what every backend must", { skip: missingCompiler ?? false }, () => {
  if (missingCompiler !== undefined) return;
  aeadSuite(testBackend(), "zeroed");
  chunkSuite(testBackend());
});
