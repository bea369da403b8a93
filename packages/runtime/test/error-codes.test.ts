import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WIRE_FAILURES } from "@shadowfleet/wire";
import { codeOf, ERROR_CODES, type ErrorCode, type ErrorCodeEntry, errorEntry, errorsReference, FleetError } from "../src/index.ts";

// Compiles only while every wire failure is an error code.
const wireFailures: readonly ErrorCode[] = WIRE_FAILURES;
const entries: [string, ErrorCodeEntry][] = Object.entries(ERROR_CODES);
// Adding or removing a code is a decision: operators alert on codes. Change this number together with the table and regenerate the docs.
const EXPECTED_COUNT = 63;

describe("error codes", () => {
  it("are counted", () => {
    assert.equal(entries.length, EXPECTED_COUNT);
    assert.equal(new Set(entries.map(([, { description }]) => description)).size, EXPECTED_COUNT, "two codes mean the same");
  });

  it("contain every wire failure", () => {
    for (const failure of wireFailures) assert.equal(errorEntry(failure), ERROR_CODES[failure]);
  });

  for (const [code, entry] of entries) {
    it(`${code} is complete`, () => {
      assert.match(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
      assert.ok(Number.isInteger(entry.socksReply) && entry.socksReply >= 1 && entry.socksReply <= 8, "RFC 1928 §6");
      assert.ok(Number.isInteger(entry.httpStatus) && entry.httpStatus >= 400 && entry.httpStatus <= 599);
      assert.match(entry.description, /^[A-Z].*[^.]$/);
    });
  }

  it("are all in the reference, once, with what they mean", () => {
    const rows = errorsReference()
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    assert.equal(rows.length, EXPECTED_COUNT);
    for (const [index, [code, entry]] of entries.entries()) {
      const cells = rows[index]!.split(" | ");
      assert.equal(cells[0], `| \`${code}\``);
      assert.deepEqual(cells.slice(1), [
        entry.description,
        entry.level,
        entry.grpcStatus,
        `0x0${entry.socksReply}`,
        `${entry.httpStatus} |`,
      ]);
    }
  });
});

describe("codeOf", () => {
  it("is the registered code, or INTERNAL for what has none", () => {
    assert.equal(codeOf(new FleetError("BIND_FAILED", "x")), "BIND_FAILED");
    for (const thrown of [new Error("x"), Object.assign(new Error("x"), { code: "EADDRINUSE" }), "x", undefined]) {
      assert.equal(codeOf(thrown), "INTERNAL");
    }
  });
});
