import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
/** A function literal that is assigned to a handler: `client.onData = (src, start, end) => …`. */
const ASSIGNED = /\.on[A-Z]\w* = (?:async )?(?:\([^)]*\)|\w+) =>|\.on[A-Z]\w* = (?:async )?function/;

/** V8 makes what is assigned so in the old generation: packages/transport/src/hear.ts. */
function assignedLiterals(text: string): string[] {
  return text.split("\n").filter((line) => ASSIGNED.test(line));
}

test("connections' handlers are set by `hear`, which keeps them young", () => {
  const files = globSync("{packages/{transport,relay,wire},services/{gateway,tcp-relay,udp-relay}}/src/**/*.ts", { cwd: root });
  assert.ok(files.length > 200, `${files.length} files`);
  const found = files.flatMap((file) => assignedLiterals(readFileSync(join(root, file), "utf8")).map((line) => `${file}: ${line.trim()}`));
  assert.deepEqual(found, []);

  // The check can fail.
  assert.equal(assignedLiterals("  client.onData = (src, start, end) => this.read(src, start, end);").length, 1);
  assert.equal(assignedLiterals("  client.onEnd = ignore;").length, 0);
});
