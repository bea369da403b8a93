/**
 * Loaded into every file of tests (scripts/test.ts). A failed test that leaves a timer or a socket behind would keep its file, and with it the whole
 * run, from ending: such a file says what is left and fails.
 */
const MOST_MS = 300_000;

setTimeout(() => {
  console.error(`still running after ${MOST_MS / 1000} s, kept by ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit(1);
}, MOST_MS).unref();
