import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const OBJECTS = 1000;
/** Prints how many of so many new objects are in the young generation, after very many from the same place have survived. */
const SCRIPT = `
  (await import(process.argv[1])).expectShortLives();
  const make = (number) => ({ number, list: [number, number] });
  const kept = [];
  for (let i = 0; i < 2_000_000; i++) kept.push(make(i));
  let young = 0;
  for (let i = 0; i < ${OBJECTS}; i++) if (%InYoungGeneration(make(i).list)) young++;
  process.stdout.write(String(young));
`;

test("new objects are young, although left alone V8 makes them old by then", async () => {
  const args = ["--input-type=module", "--allow-natives-syntax", "--max-semi-space-size=1", "--eval", SCRIPT];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, new URL("../src/short-lives.ts", import.meta.url).href]);
  assert.ok(Number(stdout) > 0.9 * OBJECTS, stdout);
});

test("V8 knows the options that are set", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--v8-options"], { maxBuffer: 4 * 1024 * 1024 });
  for (const option of ["--allocation-site-pretenuring", "--memory-reducer-delay-ms"])
    assert.match(stdout, new RegExp(`^ *${option} `, "m"));
});
