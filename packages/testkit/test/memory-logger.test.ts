import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryLogger } from "../src/memory-logger.ts";

test("every line of the logger and its children is kept, with its level by name", () => {
  const memory = createMemoryLogger();
  assert.equal(memory.lines.length, 0);
  memory.logger.info({ code: "OK" }, "started");
  memory.logger.child({ room: "relay" }).trace({ err: new TypeError("broken") }, "detail");
  const [first, second, ...rest] = memory.lines;
  assert.ok(first && second);
  assert.deepEqual(first, { level: "info", code: "OK", msg: "started" });
  assert.deepEqual([second.level, second.room, second.msg], ["trace", "relay", "detail"]);
  assert.equal((second.err as { type: string }).type, "TypeError");
  assert.deepEqual(rest, []);
  assert.ok(memory.text.includes("broken") && !memory.text.includes("secret"));
});

test("two loggers do not see each other", () => {
  const [one, other] = [createMemoryLogger(), createMemoryLogger()];
  one.logger.warn("here");
  assert.deepEqual([one.lines.length, other.lines.length], [1, 0]);
});
