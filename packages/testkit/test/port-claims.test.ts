import assert from "node:assert/strict";
import { test } from "node:test";
import { claimPort } from "../src/port-claims.ts";
import { startProgram } from "../src/process.ts";

const SCRIPT = `
  const { claimPort } = await import(${JSON.stringify(new URL("../src/port-claims.ts", import.meta.url))});
  console.log(claimPort(Number(process.argv[1])));
  setInterval(() => {}, 1_000);`;
/** No port at all, so that nobody else claims it. */
const NUMBER = 100_000 + process.pid;

/** Another process's answer; it holds on until it is told to end. */
async function claimElsewhere(number: number) {
  const program = startProgram(process.execPath, ["--input-type=module", "-e", SCRIPT, String(number)]);
  const [, answer] = await program.waitForLine(/^(true|false)$/, 20_000);
  return { program, answer };
}

test("a number is one process's while that lives, however it ends", async () => {
  const first = await claimElsewhere(NUMBER);
  assert.equal(first.answer, "true");
  assert.equal(claimPort(NUMBER), false);
  first.program.signal("SIGKILL");
  await first.program.exited;
  assert.equal(claimPort(NUMBER), true, "its process was killed");
  const second = await claimElsewhere(NUMBER);
  assert.equal(second.answer, "false");
  second.program.signal("SIGKILL");
  await second.program.exited;
});
