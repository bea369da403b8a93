import { after, before, describe } from "node:test";
import { availabilityTests } from "./conformance/availability.ts";
import { configurationTests } from "./conformance/configuration.ts";
import { eventTests } from "./conformance/events.ts";
import { failCountTests } from "./conformance/fail-counts.ts";
import { feedTests } from "./conformance/feed.ts";
import type { StoreHarness } from "./conformance/harness.ts";
import { limitTests } from "./conformance/limits.ts";
import { liveStateTests } from "./conformance/live-state.ts";
import { saltTests } from "./conformance/salts.ts";
import { trafficTests } from "./conformance/traffic.ts";

/** Everything the contract of `FleetStore` promises, against one kind of store. `missing` says why it cannot run here. */
export function conformance(name: string, setUp: () => Promise<StoreHarness>, missing?: string): void {
  describe(`${name} conforms`, { skip: missing ?? false }, () => {
    let harness: StoreHarness | undefined;
    before(async () => {
      harness = await setUp();
    });
    after(() => harness?.stop());
    const current = (): StoreHarness => harness!;
    describe("configuration", () => configurationTests(current));
    describe("feed", () => feedTests(current));
    describe("traffic", () => trafficTests(current));
    describe("failCnt", () => failCountTests(current));
    describe("live state", () => liveStateTests(current));
    describe("salts", () => saltTests(current));
    describe("limits", () => limitTests(current));
    describe("events", () => eventTests(current));
    describe("availability", () => availabilityTests(current));
  });
}
