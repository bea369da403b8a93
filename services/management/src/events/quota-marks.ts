import { type FleetEvent, type FleetStore, type KeyQuota, type KeyRecord, type LimitUsage, quotaWindowAt } from "@shadowfleet/store";
import type { DirectoryEvent, FleetDirectory } from "../directory/fleet-directory.ts";
import type { EventSource } from "./event-source.ts";
import type { Notes } from "./notes.ts";
import { Round } from "./round.ts";

/** Keys asked about in one call; and in one look, of those near to a mark and of all the others. */
const BATCH = 1_000;
/** From this share of the quota on a key is looked at more often. */
const NEAR_PERCENT = 70;
const MAX_WINDOWS = 10_000;
const MARKS = [80, 90, 100] as const;
/** Usage is reported a little after the traffic: so long looking goes on once nothing moves. */
const LINGER_MS = 10_000;

type Percent = 0 | (typeof MARKS)[number];
/** What was told of a key last: of which window and quota, and the highest mark. */
interface Told {
  readonly windowId: string;
  readonly limitBytes: number;
  readonly resetAtMs: number;
  readonly percent: Percent;
}

export interface QuotaMarksOptions {
  readonly directory: Pick<FleetDirectory, "view" | "watch">;
  readonly store: Pick<FleetStore, "readTraffic" | "readLimitUsage">;
  readonly notes: Notes;
}

/**
 * `key.quota.80`, `.90` and `.100`, and `key.cut` where the quota cuts: each once for a window and quota, so that after a raised or reset quota they are told
 * again. Of a rolling window a mark is told again once usage has been below it. Costs two or three calls a look at most, and one while nothing moves.
 */
export class QuotaMarks implements EventSource {
  readonly notes: Notes;
  readonly #options: QuotaMarksOptions;
  readonly #near = new Round();
  readonly #limited = new Round();
  /** A quota of each window. */
  readonly #sameWindow = new Map<string, KeyQuota>();
  #touched = new Set<string>();
  #fleetBytes = -1;
  #movesUntilMs = 0;
  #unwatch: (() => void) | undefined;

  constructor(options: QuotaMarksOptions) {
    this.#options = options;
    this.notes = options.notes;
  }

  begin(): void {
    this.#learnAll();
    this.#fleetBytes = -1;
    this.#unwatch ??= this.#options.directory.watch((event) => this.#onDirectory(event));
  }

  end(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  async look(nowMs: number): Promise<readonly FleetEvent[]> {
    if (this.#limited.size === 0) return [];
    const { total } = await this.#options.store.readTraffic({ kind: "fleet" });
    const fleetBytes = total.tcpUp + total.tcpDown + total.udpUp + total.udpDown;
    if (fleetBytes !== this.#fleetBytes) this.#movesUntilMs = nowMs + LINGER_MS;
    this.#fleetBytes = fleetBytes;
    const touched = [...this.#touched];
    this.#touched.clear();
    const asked = new Set(nowMs < this.#movesUntilMs ? [...touched, ...this.#near.next(BATCH), ...this.#limited.next(BATCH)] : touched);
    const events: FleetEvent[] = [];
    for (let ids = [...asked]; ids.length > 0; ids = ids.slice(BATCH)) events.push(...(await this.#lookAt(ids.slice(0, BATCH), nowMs)));
    return events;
  }

  async #lookAt(ids: readonly string[], nowMs: number): Promise<FleetEvent[]> {
    const windows = ids.flatMap((keyId) => {
      const quota = this.#recordOf(keyId)?.limits?.quota;
      return quota ? [{ keyId, windowId: this.#windowIdOf(quota, nowMs) }] : [];
    });
    const usages = await this.#options.store.readLimitUsage(windows);
    return usages.flatMap((usage, index) => this.#judge(usage, windows[index]!.windowId, nowMs));
  }

  #judge({ keyId, quotaUsedBytes: usedBytes }: LimitUsage, windowId: string, nowMs: number): FleetEvent[] {
    const quota = this.#recordOf(keyId)?.limits?.quota;
    // Nobody leases: the key is idle, and what it used before was told then.
    if (!quota || usedBytes === undefined) return [];
    const { bytes: limitBytes, window, action, resetAtMs = 0 } = quota;
    const percent = markOf(usedBytes, limitBytes);
    if (percent < 100 && usedBytes * 100 >= limitBytes * NEAR_PERCENT) this.#near.add(keyId);
    else this.#near.delete(keyId);
    const told = toldIn(this.notes.get(keyId));
    const isSame =
      told?.limitBytes === limitBytes && told.resetAtMs === resetAtMs && (window.kind === "rolling" || told.windowId === windowId);
    const before = isSame ? Math.min(told.percent, percent) : 0;
    const now: Told = { windowId, limitBytes, resetAtMs, percent };
    const isNew = !isSame || told.percent !== percent;
    if (isNew) this.notes.set(keyId, percent === 0 ? undefined : JSON.stringify(now));
    const details = { usedBytes, limitBytes, action: action.kind };
    const event = (type: FleetEvent["type"]): FleetEvent => ({
      ...{ type, subject: keyId, atMs: nowMs, details },
      once: `${type}/${keyId}/${windowId}/${resetAtMs}/${limitBytes}`,
    });
    const events = MARKS.filter((mark) => mark > before && mark <= percent).map((mark) => event(`key.quota.${mark}`));
    return percent === 100 && before < 100 && action.kind === "cut" ? [...events, event("key.cut")] : events;
  }

  /** Where a window begins takes a calendar to say, and most keys have one of few windows. */
  #windowIdOf(quota: KeyQuota, nowMs: number): string {
    const name = JSON.stringify([quota.window, quota.resetAtMs]);
    if (this.#sameWindow.size > MAX_WINDOWS) this.#sameWindow.clear();
    const same = this.#sameWindow.get(name) ?? quota;
    this.#sameWindow.set(name, same);
    return quotaWindowAt(same, nowMs).id;
  }

  #recordOf(id: string): KeyRecord | undefined {
    return this.#options.directory.view.keys.get(id)?.record;
  }

  #learnAll(): void {
    this.#limited.clear();
    this.#near.clear();
    for (const id of this.#options.directory.view.keys.keys()) this.#learn(id);
    for (const id of this.notes.names) this.#learn(id);
    this.#touched = new Set(this.#limited.ids);
  }

  #learn(id: string): void {
    if (this.#recordOf(id)?.limits?.quota) {
      this.#limited.add(id);
      this.#touched.add(id);
      return;
    }
    for (const ids of [this.#limited, this.#touched, this.#near]) ids.delete(id);
    this.notes.set(id, undefined);
  }

  #onDirectory(event: DirectoryEvent): void {
    if (event.type === "touched") for (const id of event.touched.keys) this.#learn(id);
    else if (event.type === "reset") this.#learnAll();
  }
}

function markOf(usedBytes: number, limitBytes: number): Percent {
  // Quotas go up to 2^53 - 1: a product would be rounded.
  return MARKS.findLast((mark) => usedBytes >= limitBytes * (mark / 100)) ?? 0;
}

function toldIn(note: string | undefined): Told | undefined {
  return note === undefined ? undefined : (JSON.parse(note) as Told);
}
