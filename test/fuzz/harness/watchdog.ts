import { writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { fileText } from "./finding.ts";
import { WatchedInput } from "./watched-input.ts";

/** What the thread is told. */
export interface WatchdogOrders {
  readonly memory: SharedArrayBuffer;
  /** An input that takes longer hangs. */
  readonly hangMs: number;
  /** Where the last words go. */
  readonly path: string;
}

const LOOK_MS = 200;
const { memory, hangMs, path } = workerData as WatchdogOrders;
const watched = new WatchedInput(memory);
let counter = watched.counter;
let changedAt = performance.now();

/** The thread that executes inputs cannot speak any more: this one writes down what it was given, then ends the process. */
setInterval(() => {
  if (watched.counter !== counter) {
    counter = watched.counter;
    changedAt = performance.now();
    return;
  }
  if (performance.now() - changedAt < hangMs) return;
  const { input, index } = watched.get();
  writeFileSync(path, fileText({ target: "", kind: "hang", message: `no end within ${hangMs} ms`, input, seed: 0, index }));
  process.kill(process.pid, "SIGKILL");
}, LOOK_MS);
