import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startProgram } from "@shadowfleet/testkit";
import { cpuSecondsOf, readUsage, rssBytesOf, usageBetween } from "./process-usage.ts";

const MIB = 1024 * 1024;
const BEHIND_THE_COMMAND = "S 1 42 42 0 -1 4194560 100 0 0 0 1234 66 0 0 20 0 11 0 5000 1000000 2000";

test("CPU time is utime and stime, in hundredths of a second", () => {
  assert.equal(cpuSecondsOf(`42 (node) ${BEHIND_THE_COMMAND}`), 13);
});

test("a command with blanks and parentheses does not shift the fields", () => {
  assert.equal(cpuSecondsOf(`42 (a) S 9 (b c)) ${BEHIND_THE_COMMAND}`), 13);
});

test("what is no stat is refused", () => {
  assert.throws(() => cpuSecondsOf(""), /not the stat/);
  assert.throws(() => cpuSecondsOf("42 (node) S 1"), /not the stat/);
});

test("resident memory is read from status, and a process without any has ended", () => {
  assert.equal(rssBytesOf("Name:\tnode\nVmPeak:\t  900 kB\nVmRSS:\t     512 kB\nThreads:\t1\n"), 512 * 1024);
  assert.throws(() => rssBytesOf("Name:\tnode\nState:\tZ (zombie)\n"), /has ended/);
});

test("usage between two readings is a share of a core", () => {
  const before = { cpuSeconds: 10, rssBytes: 1, atSeconds: 100 };
  const after = { cpuSeconds: 11, rssBytes: 7, atSeconds: 102 };
  assert.deepEqual(usageBetween(before, after), { cpuShare: 0.5, rssBytes: 7 });
  assert.throws(() => usageBetween(after, before), RangeError);
});

test("this process has used CPU time and memory", () => {
  const usage = readUsage(process.pid);
  assert.ok(usage.cpuSeconds > 0);
  assert.ok(usage.rssBytes > 10 * MIB);
});

test("children count with their parent", async () => {
  const child = `"$0" -e 'console.log("up"); setTimeout(() => {}, 30_000)' & wait`;
  await using shell = startProgram("sh", ["-c", child, process.execPath], { group: true });
  await shell.waitForLine(/^up$/);
  const own = rssBytesOf(readFileSync(`/proc/${shell.pid}/status`, "latin1"));
  assert.ok(own < 10 * MIB, "a shell is small");
  assert.ok(readUsage(shell.pid).rssBytes > 20 * MIB, "and Node is not");
});

test("a process that is gone cannot be read", async () => {
  await using program = startProgram(process.execPath, ["--version"]);
  await program.exited;
  assert.throws(() => readUsage(program.pid));
});
