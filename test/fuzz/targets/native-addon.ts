import { PseudoRandom } from "@shadowfleet/testkit";
import type { AeadBackend } from "@shadowfleet/wire";
import { Pair } from "../../../packages/aead-native/test/pair.ts";
import { missingCompiler, testBackend } from "../../../packages/aead-native/test/test-addon.ts";
import type { FuzzTarget } from "../harness/target.ts";

let backend: AeadBackend | undefined;

/** The C addon's entry beside the same in JavaScript: messages, lengths and streams of chunks, whole, cut and damaged. */
const nativeAddon: FuzzTarget = {
  name: "aead-native",
  reaches: ["ok, message", "ok, length", "ok, stream"],
  unit: 3_000,
  generate: (random) => [random.bytes(4)],
  execute([seed = Buffer.alloc(0)], random) {
    backend ??= testBackend();
    const pair = new Pair(backend, new PseudoRandom(Buffer.concat([seed, Buffer.alloc(4)]).readUInt32LE()));
    const kind = random.below(3);
    if (kind === 0) pair.message();
    else if (kind === 1) pair.length();
    else pair.stream();
    return ["ok, message", "ok, length", "ok, stream"][kind] as string;
  },
};

/** Only where there is a compiler to build it with. */
export const nativeTargets: readonly FuzzTarget[] = missingCompiler === undefined ? [nativeAddon] : [];
