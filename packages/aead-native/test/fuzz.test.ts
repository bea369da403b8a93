import { describe, it } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import { Pair } from "./pair.ts";
import { missingCompiler, testBackend } from "./test-addon.ts";

/** More of them, or others: AEAD_FUZZ_ROUNDS, AEAD_FUZZ_SEED. */
const ROUNDS = Number(process.env.AEAD_FUZZ_ROUNDS ?? 20_000);
const SEED = Number(process.env.AEAD_FUZZ_SEED ?? 1);
const USES_OF_A_KEY = 10;

describe("native and pure backend", { skip: missingCompiler ?? false }, () => {
  it(`never differ: ${ROUNDS} random messages and streams of seed ${SEED}, whole, cut and corrupted`, () => {
    const random = new PseudoRandom(SEED);
    const native = testBackend();
    for (let round = 0; round < ROUNDS; round += USES_OF_A_KEY) {
      const pair = new Pair(native, random);
      try {
        for (let use = 0; use < USES_OF_A_KEY; use += 1) {
          const kind = random.below(5);
          if (kind < 2) pair.message();
          else if (kind < 3) pair.length();
          else pair.stream();
        }
      } catch (error) {
        throw new Error(`differ from round ${round} of seed ${SEED} on: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
