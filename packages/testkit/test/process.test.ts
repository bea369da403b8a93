import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../src/deadline.ts";
import { findProgram, missingProgramsReason } from "../src/find-program.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { runProgram, startNodeScript, startProgram } from "../src/process.ts";

expectNoOpenHandles();

const CHATTY = new URL("./fixtures/chatty.mjs", import.meta.url);
const PARENT = new URL("./fixtures/parent.ts", import.meta.url);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("lines of both streams, before and after they are waited for", async () => {
  await using program = startNodeScript(CHATTY, ["7"]);
  assert.equal((await program.waitForLine(/listening on port (\d+)/))[1], "7");
  assert.equal((await program.waitForLine(/listening on port (\d+)/))[1], "7");
  await program.waitForLine(/^warning$/);
  program.write("ping\n");
  await program.waitForLine(/^heard ping$/);
  assert.deepEqual(program.lines.toSorted(), ["heard ping", "listening on port 7", "warning"]);
  assert.equal(program.stream("stderr").toString(), "warning\n");
  assert.deepEqual(await program.stop(), { code: 3, signal: null });
  assert.equal(program.isRunning, false);
});

test("a line that never comes rejects with the output: at the deadline, or when the program ends", async () => {
  await using program = startNodeScript(CHATTY, ["7"]);
  await program.waitForLine(/^warning$/);
  await assert.rejects(program.waitForLine(/nonsense/, 30), /nonsense.*30 ms; it wrote:[\s\S]*listening on port 7/);
  const waiting = assert.rejects(program.waitForLine(/nonsense/), /ended without a line[\s\S]*listening on port 7/);
  await program.stop();
  await waiting;
});

test("a program that ignores SIGTERM is killed after its grace", async () => {
  await using program = startNodeScript(CHATTY, ["7"], { env: { STUBBORN: "1" } });
  await program.waitForLine(/listening/);
  assert.deepEqual(await program.stop(100), { code: null, signal: "SIGKILL" });
  assert.equal(isAlive(program.pid), false);
  program.signal("SIGTERM");
});

test("leaving the scope of `await using` ends it, and a whole group where asked", async () => {
  let pids: number[] = [];
  {
    await using shell = startProgram("sh", ["-c", "sleep 60 & echo child $!; wait"], { group: true });
    pids = [shell.pid, Number((await shell.waitForLine(/child (\d+)/))[1])];
    assert.deepEqual(pids.map(isAlive), [true, true]);
  }
  await eventually("the group to be gone", () => !pids.some(isAlive));
});

test("a program does not outlive the test process, killed or not", {
  skip: findProgram("setpriv") ? false : "setpriv not installed",
}, async () => {
  for (const ending of ["exit", "kill"]) {
    await using parent = startNodeScript(PARENT);
    const child = Number((await parent.waitForLine(/child (\d+)/))[1]);
    assert.equal(isAlive(child), true);
    if (ending === "exit") parent.write("exit\n");
    else parent.signal("SIGKILL");
    await parent.exited;
    await eventually(`the child to be gone after ${ending}`, () => !isAlive(child));
  }
});

test("runProgram: code and both streams, or the deadline", async () => {
  const { code, stdout, stderr } = await runProgram("sh", ["-c", "printf out; printf err >&2; exit 5"]);
  assert.deepEqual([code, stdout.toString(), stderr.toString()], [5, "out", "err"]);
  await assert.rejects(runProgram("sh", ["-c", "echo begun; exec sleep 60"], { deadlineMs: 200 }), /200 ms; it wrote:\nbegun/);
  const { stdout: seen } = await runProgram("sh", ["-c", 'printf \'%s,%s\' "$GIVEN" "$HOME"'], { env: { GIVEN: "x", HOME: undefined } });
  assert.equal(seen.toString(), "x,");
});

test("missing programs: thrown on start, a reason for skipping on a laptop, an error in CI", () => {
  assert.throws(() => startProgram("no-such-program-here", []), /no-such-program-here is not installed/);
  assert.match(String(findProgram("sh")), /\/sh$/);
  const before = process.env.CI;
  try {
    delete process.env.CI;
    assert.equal(missingProgramsReason(["sh"], "dash"), undefined);
    assert.match(String(missingProgramsReason(["sh", "no-such-program-here"], "nothing")), /^no-such-program-here not installed .*nothing/);
    process.env.CI = "true";
    assert.equal(missingProgramsReason(["sh"], "dash"), undefined);
    assert.throws(() => missingProgramsReason(["no-such-program-here"], "nothing"), /not installed/);
  } finally {
    if (before === undefined) delete process.env.CI;
    else process.env.CI = before;
  }
});
