/** Preloaded into test runs of other packages: their ciphers and UDP sockets are native ones. Says at the end how many there were. */
import { useAeadBackend } from "@shadowfleet/wire";
import { useNativeSockets } from "../src/native-sockets.ts";
import { testAddon, testBackend } from "./test-addon.ts";

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

const addon = testAddon();
let opened = 0;
useNativeSockets({
  ...addon,
  openDatagramSocket(...wish) {
    opened += 1;
    return addon.openDatagramSocket(...wish);
  },
  listenStream(...wish) {
    opened += 1;
    return addon.listenStream(...wish);
  },
});
process.on("exit", () => process.stdout.write(`${made} native ciphers\n${opened} native sockets\n`));
