import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineError, eventually, withDeadline } from "../src/deadline.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { ResultQueue } from "../src/result-queue.ts";

expectNoOpenHandles();

test("withDeadline: the value, the error, or a DeadlineError that says what was waited for", async () => {
  assert.equal(await withDeadline(Promise.resolve(5), 1_000, "five"), 5);
  await assert.rejects(withDeadline(Promise.reject(new TypeError("no")), 1_000, "five"), TypeError);
  await assert.rejects(withDeadline(new Promise(() => {}), 10, "the end of days"), {
    name: "DeadlineError",
    message: /the end of days.*10 ms/,
  });
});

test("eventually: when it becomes so, and not when it never does", async () => {
  let asked = 0;
  await eventually("three questions", () => ++asked === 3);
  assert.equal(asked, 3);
  await assert.rejects(
    eventually("never", () => Promise.resolve(false), 20),
    DeadlineError,
  );
});

test("a queue hands over in order, before and after the result is there", async () => {
  const queue = new ResultQueue<number>();
  queue.push(1);
  const [first, second] = [queue.next("1"), queue.next("2")];
  queue.push(2);
  assert.deepEqual(await Promise.all([first, second]), [1, 2]);
  await assert.rejects(queue.next("3", 10), DeadlineError);
  // Who gave up must not swallow the result.
  queue.push(3);
  assert.equal(queue.size, 1);
  assert.equal(await queue.next("3"), 3);
});
