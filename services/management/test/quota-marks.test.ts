import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FleetEvent, type FleetStore, type KeyRecord, type LimitUsage, SqliteStore } from "@shadowfleet/store";
import { NOTHING_DECLARED } from "../src/config/declared-plan.ts";
import { MergedView } from "../src/directory/merged-view.ts";
import { Notes } from "../src/events/notes.ts";
import { QuotaMarks } from "../src/events/quota-marks.ts";

const KEYS = 10_000;
const LIMIT = 1_000;
const NOW_MS = Date.UTC(2026, 10, 23);

const record = (id: string): KeyRecord => ({
  ...{ id, displayName: id, port: 8388, secret: "x", previousSecret: undefined, disabled: false, disabledReason: "" },
  ...{ startsAtMs: undefined, expiresAtMs: undefined, createdAtMs: 1, updatedAtMs: 1 },
  limits: { quota: { bytes: LIMIT, window: { kind: "calendar", unit: "day", timeZone: "UTC", anchorDay: 1 }, action: { kind: "cut" } } },
});

/** Ten thousand keys with quotas, what they use, and every call that looks at it. */
class ManyKeys {
  readonly used = new Map<string, number>();
  readonly calls: string[] = [];
  readonly marks: QuotaMarks;
  readonly #store = new SqliteStore({ path: ":memory:" });
  #moved = 0;
  #nowMs = NOW_MS;

  constructor() {
    const view = new MergedView(NOTHING_DECLARED);
    const ids = Array.from({ length: KEYS }, (_, at) => `key-${String(at).padStart(5, "0")}`);
    const keys = new Map(ids.map((id) => [id, { record: record(id), version: 1 }]));
    view.replaceRuntime({ ports: new Map(), keys, upstreams: new Map() });
    const bytes = () => ({ tcpUp: this.#moved, tcpDown: 0, udpUp: 0, udpDown: 0 });
    const store: Pick<FleetStore, "readTraffic" | "readLimitUsage"> = {
      readTraffic: async () => {
        this.calls.push("totals");
        return { subject: "", total: bytes(), resetMark: bytes(), resetAtMs: undefined, generation: "1" };
      },
      readLimitUsage: async (asked): Promise<LimitUsage[]> => {
        assert.ok(asked.length <= 1_000);
        this.calls.push(`usage of ${asked.length}`);
        return asked.map(({ keyId }) => ({ keyId, quotaUsedBytes: this.used.get(keyId) ?? 0, sessions: 1, devices: 1 }));
      },
    };
    this.marks = new QuotaMarks({ directory: { view, watch: () => () => {} }, store, notes: new Notes(this.#store, "quotas") });
  }

  /** One look, a second later; with or without traffic since the one before. */
  async look(hasTraffic = true): Promise<FleetEvent[]> {
    this.calls.length = 0;
    this.#nowMs += 1_000;
    if (hasTraffic) this.#moved++;
    return [...(await this.marks.look(this.#nowMs))];
  }
}

describe("marks of the quotas of ten thousand keys", () => {
  it("cost three calls a second, one while nothing moves, and are told within ten", async () => {
    const many = new ManyKeys();
    many.marks.begin();
    assert.deepEqual(await many.look(), []);
    assert.equal(many.calls.length, 11, "after a change of hands all are looked at");
    many.used.set("key-04321", 1_000);
    const told: FleetEvent[] = [];
    for (let second = 1; second <= 10; second++) {
      told.push(...(await many.look()));
      assert.deepEqual(many.calls, ["totals", "usage of 1000"]);
    }
    assert.deepEqual(
      told.map(({ type, subject }) => `${subject} ${type}`),
      ["key.quota.80", "key.quota.90", "key.quota.100", "key.cut"].map((type) => `key-04321 ${type}`),
    );
    for (let second = 1; second <= 10; second++) await many.look(false);
    await many.look(false);
    assert.deepEqual(many.calls, ["totals"]);
  });

  it("are told within a second where they are near, however many that are", async () => {
    const many = new ManyKeys();
    for (let at = 0; at < KEYS; at++) many.used.set(`key-${String(at).padStart(5, "0")}`, at < 500 ? 750 : 100);
    many.marks.begin();
    await many.look();
    many.used.set("key-00499", 800);
    assert.deepEqual(
      (await many.look()).map(({ type, subject }) => [subject, type]),
      [["key-00499", "key.quota.80"]],
    );
    for (let at = 500; at < KEYS; at++) many.used.set(`key-${String(at).padStart(5, "0")}`, 750);
    for (let second = 1; second <= 12; second++) {
      await many.look();
      assert.ok(many.calls.length <= 3, many.calls.join());
    }
  });
});
