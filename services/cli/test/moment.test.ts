import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseMoment } from "../src/arguments/moment.ts";
import { NOW_MS } from "./command.ts";

const zoneBefore = process.env.TZ;

describe("moments", () => {
  beforeEach(() => {
    process.env.TZ = "Europe/Berlin";
  });
  afterEach(() => {
    if (zoneBefore === undefined) delete process.env.TZ;
    else process.env.TZ = zoneBefore;
  });

  const GOOD: readonly (readonly [text: string, utc: string])[] = [
    ["2027-01-31", "2027-01-30T23:00:00.000Z"],
    ["2027-07-31", "2027-07-30T22:00:00.000Z"],
    ["2027-01-31T18:00", "2027-01-31T17:00:00.000Z"],
    ["2027-01-31 18:00:30", "2027-01-31T17:00:30.000Z"],
    ["2027-01-31T18:00Z", "2027-01-31T18:00:00.000Z"],
    ["2027-01-31T18:00-05:30", "2027-01-31T23:30:00.000Z"],
    ["2027-01-31T18:00:00+02:00", "2027-01-31T16:00:00.000Z"],
    ["2028-02-29", "2028-02-28T23:00:00.000Z"],
    [" 12h ", "2026-11-23T12:00:00.000Z"],
    ["90d", "2027-02-21T00:00:00.000Z"],
    ["1.5h", "2026-11-23T01:30:00.000Z"],
  ];
  for (const [text, utc] of GOOD) {
    test(`"${text}" is ${utc}`, () => assert.equal(parseMoment(text, NOW_MS, "ahead").toISOString(), utc));
  }

  test("durations go back when asked to", () => {
    assert.equal(parseMoment("7d", NOW_MS, "ago").toISOString(), "2026-11-16T00:00:00.000Z");
  });

  const BAD: readonly (readonly [text: string, reason: RegExp])[] = [
    ["tomorrow", /expected a time such as/],
    ["", /expected a time such as/],
    ["2027-1-31", /expected a time such as/],
    ["2027-02-29", /no calendar/],
    ["2027-13-01", /no calendar/],
    ["2027-01-31T24:00", /no calendar/],
    ["2027-01-31T18:60", /no calendar/],
    ["2027-01-31T18:00+99:00", /no place/],
    ["90", /has no unit/],
    ["2w", /unknown unit/],
    ["4000000000d", /too far|too large/],
  ];
  for (const [text, reason] of BAD) {
    test(`"${text}" is refused`, () => assert.throws(() => parseMoment(text, NOW_MS, "ahead"), { name: "RangeError", message: reason }));
  }
});
