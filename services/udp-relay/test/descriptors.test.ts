import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";

test("a relay without descriptors drops and counts, and goes on when there are some again", async () => {
  const script = join(import.meta.dirname, "descriptor-shortage.ts");
  // A process of its own: Node raises its soft limit to the hard one, and this one's is far too high to use up.
  const command = 'ulimit -n 64 && exec "$0" --test-reporter=tap "$1"';
  const child = spawn("sh", ["-c", command, process.execPath, script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const [report, [exitCode]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.equal(exitCode, 0, report);
  assert.match(report, /^# pass 1$/m);
});
