/** Preloaded into test runs of other packages: their ciphers are native ones. Says at the end how many there were. */
import { useAeadBackend } from "@shadowfleet/wire";
import { testBackend } from "./test-addon.ts";

const native = testBackend();
let made = 0;

useAeadBackend({
  name: native.name,
  createAead(algorithm, key) {
    made += 1;
    return native.createAead(algorithm, key);
  },
  subkeyAeads(algorithm, salt) {
    made += 1;
    return native.subkeyAeads(algorithm, salt);
  },
});
process.on("exit", () => process.stdout.write(`${made} native ciphers\n`));
