import assert from "node:assert/strict";
import { test } from "node:test";
import { automaticMaxConnections } from "../src/connection-cap.ts";

test("two descriptors a connection, some kept back, within sane bounds", () => {
  assert.equal(automaticMaxConnections(1024), 448);
  assert.equal(automaticMaxConnections(100), 64);
  assert.equal(automaticMaxConnections(20_128), 10_000);
  assert.equal(automaticMaxConnections(2 ** 30), 65_536);
  assert.equal(automaticMaxConnections(Number.POSITIVE_INFINITY), 65_536);
});
