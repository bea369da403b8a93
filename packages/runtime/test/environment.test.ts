import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEnvironment, ManualClock, systemEnvironment } from "../src/index.ts";

describe("createEnvironment", () => {
  it("fills every length whole and never hands bytes out twice", () => {
    const environment = createEnvironment(new ManualClock());
    const seen = new Set<string>();
    let draws = 0;
    for (let round = 0; round < 40; round++) {
      for (const length of [16, 24, 32, 500, 512, 513, 9000]) {
        const target = Buffer.alloc(length);
        environment.random(target);
        // An all-zero tail of 16 bytes would mean that filling stopped early; by chance it is 2^-128.
        assert.notDeepEqual(target.subarray(-16), Buffer.alloc(16), `length ${length}`);
        seen.add(target.toString("latin1"));
        draws++;
      }
    }
    assert.equal(seen.size, draws);
  });

  it("writes nothing beside its target", () => {
    const memory = Buffer.alloc(48);
    createEnvironment(new ManualClock()).random(memory.subarray(16, 32));
    assert.deepEqual(memory.subarray(0, 16), Buffer.alloc(16));
    assert.deepEqual(memory.subarray(32), Buffer.alloc(16));
    assert.notDeepEqual(memory.subarray(16, 32), Buffer.alloc(16));
  });

  it("looks uniform across pool refills", () => {
    const counts = new Uint32Array(256);
    const target = Buffer.alloc(32);
    const draws = 8192;
    for (let index = 0; index < draws; index++) {
      systemEnvironment.random(target);
      for (const byte of target) counts[byte]!++;
    }
    const expected = (draws * target.length) / 256;
    // Eight standard deviations of a binomial count: false alarms are about 2^-40.
    for (const count of counts) assert.ok(Math.abs(count - expected) < 8 * Math.sqrt(expected), `${count} of ${expected}`);
  });

  it("counts whole seconds of its clock", () => {
    const clock = new ManualClock(1_700_000_000_999);
    const environment = createEnvironment(clock);
    assert.equal(environment.unixSeconds(), 1_700_000_000);
    clock.advance(1);
    assert.equal(environment.unixSeconds(), 1_700_000_001);
  });
});
