import assert from "node:assert/strict";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createYoungCollector } from "../src/young-collector.ts";

test("collects after each so many bytes", () => {
  const calls: object[] = [];
  const discard = createYoungCollector(100, (options) => void calls.push(options))!;
  for (const bytes of [60, 39]) discard(bytes);
  assert.deepEqual(calls, []);
  discard(1);
  assert.deepEqual(calls, [{ type: "minor" }]);
  for (const bytes of [99, 250]) discard(bytes);
  assert.equal(calls.length, 2);
});

test("this Node gives its collector out: what is collected is the young generation, and the program sees no gc", async () => {
  const kinds: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as unknown as { readonly detail: { readonly kind: number } }[]) kinds.push(entry.detail.kind);
  });
  observer.observe({ entryTypes: ["gc"] });
  const discard = createYoungCollector(1);
  assert.ok(discard);
  for (let i = 0; i < 5; i++) discard(1);
  await sleep(50);
  observer.disconnect();
  const minor = kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR);
  assert.ok(minor.length >= 5, `${minor.length} of ${kinds.length}`);
  assert.equal((globalThis as { readonly gc?: unknown }).gc, undefined);
});

test("where there is none, there is nothing to tell", () => {
  assert.equal(createYoungCollector(1, null as never), undefined);
});
