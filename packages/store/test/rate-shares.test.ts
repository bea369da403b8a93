import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type RatePart, rateShare } from "../src/rate-shares.ts";

const LIMIT = 2_500_000;

/** A relay whose sessions would move so much, if they could. */
interface Relay {
  readonly demand: number;
  readonly sessions: number;
}

/** Relays that exchange in turn, and move what they may. */
class Fleet {
  readonly parts: RatePart[];
  limit: number;

  constructor(relays: readonly Relay[], limit = LIMIT) {
    this.limit = limit;
    this.parts = relays.map(({ sessions }) => ({ share: 0, moved: 0, isSaturated: false, sessions }));
  }

  /** `most`: what may be held in all behind it. */
  exchange(at: number, { demand, sessions }: Relay, most = this.limit): void {
    const { share } = this.parts[at]!;
    const part = { share, moved: Math.min(demand, share), isSaturated: demand > share, sessions };
    this.parts[at] = { ...part, share: rateShare(this.limit, part, this.parts.toSpliced(at, 1)) };
    assert.ok(this.held <= most, `${this.held} held`);
  }

  round(relays: readonly Relay[], most?: number): void {
    for (const [at, relay] of relays.entries()) this.exchange(at, relay, most);
  }

  get held(): number {
    return this.parts.reduce((sum, { share }) => sum + share, 0);
  }
}

const moved = (fleet: Fleet, relays: readonly Relay[]) =>
  relays.reduce((sum, { demand }, at) => sum + Math.min(demand, fleet.parts[at]!.share), 0);
const relay = (demand: number, sessions = 1): Relay => ({ demand, sessions });
const shares = (fleet: Fleet) => fleet.parts.map(({ share }) => share / LIMIT);

const anyRelay = fc.record({
  demand: fc.oneof(fc.constant(0), fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 2 * LIMIT })),
  sessions: fc.integer({ min: 0, max: 40 }),
});

describe("shares of a rate", () => {
  it("never sum up to more than the limit, in whatever order relays come, go and change", () => {
    const step = fc.tuple(fc.nat(9), anyRelay);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 10 * LIMIT }), (steps, limit) => {
        const fleet = new Fleet(
          Array.from({ length: 10 }, () => relay(0, 0)),
          limit,
        );
        for (const [at, one] of steps) fleet.exchange(at, one);
      }),
      { numRuns: 200 },
    );
  });

  it("are what they stay two exchanges of each after all have told their news", () => {
    const told = fc.record({ moved: fc.nat(LIMIT), isSaturated: fc.boolean(), sessions: fc.integer({ min: 0, max: 40 }) });
    fc.assert(
      fc.property(fc.array(told, { minLength: 1, maxLength: 12 }), fc.array(told, { minLength: 12, maxLength: 12 }), (now, before) => {
        let parts: RatePart[] = now.map(() => ({ share: 0, moved: 0, isSaturated: false, sessions: 0 }));
        const round = (reports: typeof now) => {
          for (const [at, report] of reports.slice(0, now.length).entries()) {
            const own = { ...report, share: parts[at]!.share };
            parts = parts.with(at, { ...own, share: rateShare(LIMIT, own, parts.toSpliced(at, 1)) });
          }
          return parts.map(({ share }) => share);
        };
        round(before);
        for (let at = 0; at < 2; at++) round(now);
        assert.deepEqual(round(now), round(now));
      }),
      { numRuns: 200 },
    );
  });

  it("let move at least 93 % of what the limit allows, whoever wants how much", () => {
    fc.assert(
      fc.property(fc.array(anyRelay, { minLength: 1, maxLength: 8 }), (all) => {
        const relays = all.map(({ demand, sessions }) => relay(sessions === 0 ? 0 : demand, sessions));
        const fleet = new Fleet(relays);
        for (let at = 0; at < 4; at++) fleet.round(relays);
        const wanted = Math.min(
          LIMIT,
          relays.reduce((sum, { demand }) => sum + demand, 0),
        );
        let sum = 0;
        for (let at = 0; at < 8; at++) {
          fleet.round(relays);
          sum += moved(fleet, relays) / 8;
        }
        assert.ok(sum >= 0.93 * wanted, `${sum} of ${wanted}`);
      }),
      { numRuns: 200 },
    );
  });

  it("go by sessions where all could move more", () => {
    const relays = [relay(Number.POSITIVE_INFINITY, 1), relay(Number.POSITIVE_INFINITY, 10), relay(Number.POSITIVE_INFINITY, 21)];
    const fleet = new Fleet(relays);
    fleet.round(relays);
    fleet.round(relays);
    const found = shares(fleet);
    for (const [at, { sessions }] of relays.entries()) assert.ok(Math.abs(found[at]! - sessions / 32) < 0.02, `${found}`);
    assert.ok(fleet.held >= 0.98 * LIMIT);
  });

  it("move to whom they are of use within two exchanges, and back", () => {
    const idle = [relay(0, 5), relay(0, 5), relay(0, 5)];
    const fleet = new Fleet(idle);
    for (let at = 0; at < 3; at++) fleet.round(idle);
    for (const share of shares(fleet)) assert.ok(share > 0.3, "a burst may begin anywhere");
    for (let busy = 0; busy < 3; busy++) {
      const now = idle.with(busy, relay(Number.POSITIVE_INFINITY, 1));
      fleet.round(now);
      fleet.round(now);
      assert.ok(shares(fleet)[busy]! > 0.95, `${shares(fleet)}`);
    }
  });

  it("leave the unsaturated what they move and a little more, the rest to the others", () => {
    const relays = [relay(0.3 * LIMIT, 20), relay(Number.POSITIVE_INFINITY, 1)];
    const fleet = new Fleet(relays);
    for (let at = 0; at < 4; at++) fleet.round(relays);
    assert.ok(shares(fleet)[0]! > 0.3 && shares(fleet)[0]! < 0.33, `${shares(fleet)}`);
    assert.ok(moved(fleet, relays) > 0.95 * LIMIT);
  });

  it("of a newcomer are more than nothing at once, even of several", () => {
    const old = relay(Number.POSITIVE_INFINITY, 10);
    const fleet = new Fleet([old, relay(0, 0), relay(0, 0), relay(0, 0)]);
    fleet.exchange(0, old);
    for (const at of [1, 2, 3]) {
      fleet.exchange(at, relay(Number.POSITIVE_INFINITY, 1));
      assert.ok(fleet.parts[at]!.share > LIMIT / 1_000);
    }
  });

  it("follow a limit that is raised or lowered, whoever hears of it first", () => {
    const limit = fc.integer({ min: 1_000, max: LIMIT });
    fc.assert(
      fc.property(limit, limit, fc.array(anyRelay, { minLength: 1, maxLength: 8 }), (before, now, relays) => {
        const fleet = new Fleet(relays, before);
        for (let at = 0; at < 3; at++) fleet.round(relays);
        fleet.limit = now;
        for (const [at, one] of relays.entries()) {
          const held = fleet.held;
          fleet.exchange(at, one, Math.max(held, now));
        }
        fleet.round(relays, Math.max(before, now));
        assert.ok(fleet.held <= now, `${fleet.held} held of ${now}`);
      }),
      { numRuns: 200 },
    );
  });

  it("are given back with the last session", () => {
    const fleet = new Fleet([relay(1, 1)]);
    fleet.exchange(0, relay(1, 1));
    fleet.exchange(0, relay(1, 0));
    assert.equal(fleet.held, 0);
  });
});
