/** Loads the addon in several threads one after the other, each of which uses it and ends with sockets open. */
import { once } from "node:events";
import { isMainThread, Worker } from "node:worker_threads";
import { selfTest } from "../src/self-test.ts";
import { testAddon, testBackend } from "./test-addon.ts";

const THREADS = 5;
const SOCKETS = 3;

selfTest(testBackend());
const native = testAddon();
native.startDatagrams(() => {});
native.startStreams(
  () => {},
  () => {},
  Buffer.alloc(1024),
);
for (let i = 0; i < SOCKETS; i += 1) {
  native.openDatagramSocket("127.0.0.1", 0, false, false, false, false, 0);
  native.listenStream("127.0.0.1", 0, false, false, 1);
}
if (isMainThread) {
  for (let i = 0; i < THREADS; i += 1) {
    const [code] = await once(new Worker(new URL(import.meta.url)), "exit");
    if (code !== 0) throw new Error(`a thread ended with ${code}`);
  }
  console.log(THREADS, "threads ended");
}
process.exit();
