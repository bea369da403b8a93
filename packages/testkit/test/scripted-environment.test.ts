import assert from "node:assert/strict";
import { test } from "node:test";
import { PseudoRandom } from "../src/pseudo-random.ts";
import { ScriptedEnvironment } from "../src/scripted-environment.ts";

const draw = (environment: ScriptedEnvironment, length: number): Buffer => {
  const target = Buffer.alloc(length);
  environment.random(target);
  return target;
};

test("randomness: what was queued, in order, then what the seed says", () => {
  const environment = new ScriptedEnvironment({ random: [Buffer.from([1, 2]), Buffer.from([3])], seed: 9 });
  environment.queueRandom(Buffer.from([4]));
  assert.deepEqual([...draw(environment, 3)], [1, 2, 3]);
  assert.equal(environment.unusedRandomBytes, 1);
  const mixed = draw(environment, 9);
  assert.equal(mixed[0], 4);
  assert.deepEqual(mixed.subarray(1), new PseudoRandom(9).bytes(8));
  assert.equal(environment.unusedRandomBytes, 0);
});

test("time stands until it is set", () => {
  const environment = new ScriptedEnvironment();
  assert.equal(environment.unixSeconds(), 1_700_000_000);
  environment.advanceSeconds(31);
  assert.equal(environment.unixSeconds(), 1_700_000_031);
  environment.setUnixSeconds(5);
  assert.equal(environment.unixSeconds(), 5);
});
