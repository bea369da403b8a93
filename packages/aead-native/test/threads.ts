/** Loads the addon in several threads one after the other, each of which uses it and ends. */
import { once } from "node:events";
import { isMainThread, Worker } from "node:worker_threads";
import { selfTest } from "../src/self-test.ts";
import { testBackend } from "./test-addon.ts";

const THREADS = 5;

selfTest(testBackend());
if (isMainThread) {
  for (let i = 0; i < THREADS; i += 1) {
    const [code] = await once(new Worker(new URL(import.meta.url)), "exit");
    if (code !== 0) throw new Error(`a thread ended with ${code}`);
  }
  console.log(THREADS, "threads ended");
}
