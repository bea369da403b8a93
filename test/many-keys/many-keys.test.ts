import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redisMissingReason } from "@shadowfleet/testkit";
import { type Crowd, crowdTable, measureCrowd, type Plan, strangerLines } from "./crowd-figures.ts";

const reason = redisMissingReason();
const STRANGERS = 60;
const PLANS: readonly Plan[] = [
  { lookup: "SIP023", keys: 1, connections: 60, associations: 1 },
  { lookup: "SIP023", keys: 100, connections: 60, associations: 10 },
  { lookup: "SIP023", keys: 10_000, connections: 60, associations: 10 },
  { lookup: "SIP004", keys: 1, connections: 60, associations: 1 },
  { lookup: "SIP004", keys: 100, connections: 60, associations: 10 },
  { lookup: "SIP004", keys: 10_000, connections: 10, associations: 3, strangers: STRANGERS },
];
describe("many access keys on one port", reason === undefined ? { timeout: 200_000 } : { skip: reason }, () => {
  let crowd: Crowd;

  it("serves every one of them, over TCP and UDP", async (t) => {
    crowd = await measureCrowd(PLANS);
    for (const line of [crowdTable(crowd.figures), ...strangerLines(crowd.figures)].join("\n").split("\n")) t.diagnostic(line);
    for (const { plan, first, again, udpAnswered } of crowd.figures) {
      const served = [first.latency.served, again.latency.served, udpAnswered];
      assert.deepEqual(served, [plan.connections, plan.connections, plan.associations], `${plan.lookup} ${plan.keys}`);
    }
  });

  it("counts every byte for the key it was relayed with, and none for another", () => {
    assert.deepEqual(new Map([...crowd.counted].sort()), new Map([...crowd.expected].sort()));
  });

  it("finds a key of ten thousand as fast as a key of one with identity headers", () => {
    const [one, , many] = crowd.figures;
    // Ten thousand trials would be tens of milliseconds.
    assert.ok(many!.first.cpuMicroseconds < one!.first.cpuMicroseconds + 3_000, `${many!.first.cpuMicroseconds} µs`);
  });

  it("bounds what strangers cost where keys have to be tried, and lets in whom it knows", () => {
    const { plan, first, strangers } = crowd.figures.at(-1)!;
    assert.ok(strangers);
    // To find a key takes half a search on average, to find that there is none a whole one.
    const half = (STRANGERS * first.cpuMicroseconds) / 1e6;
    assert.ok(strangers.cpuSeconds < half, `${strangers.cpuSeconds} s of CPU, half of what trying all keys would take is ${half} s`);
    assert.equal(strangers.served.latency.served, plan.connections);
  });
});
