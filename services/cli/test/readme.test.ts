import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { flagName } from "../src/arguments/flag.ts";
import { GRAMMAR } from "../src/command-table.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

test("the README has a row for every command, as it is typed, and no other", () => {
  const rows = [
    ...readme.matchAll(/^\| `((?:key|port|upstream|traffic|top|session|fleet|events|bootstrap|config|completion)\b[^`]*)` \|/gm),
  ].map(([, row]) => row);
  const commands = GRAMMAR.commands.map(({ name, args }) =>
    [name, ...Object.values(args).map(({ placeholder, isRequired }) => (isRequired ? placeholder : `[${placeholder}]`))].join(" "),
  );
  assert.deepEqual(rows.toSorted(), commands.toSorted());
});

test("the README names every flag", () => {
  const flags = new Set(
    [...GRAMMAR.commands.flatMap((command) => Object.keys(command.flags)), ...Object.keys(GRAMMAR.sharedFlags)].map(flagName),
  );
  // The table of formats has its short form.
  flags.delete("output");
  assert.deepEqual(
    [...flags].filter((flag) => !new RegExp(`--${flag}\\b`).test(readme)),
    [],
  );
});
