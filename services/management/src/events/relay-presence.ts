import { type FleetEvent, MEMBER_TTL_MS, type MemberRecord } from "@shadowfleet/store";
import type { Members } from "../directory/members.ts";
import type { EventSource } from "./event-source.ts";
import type { Notes } from "./notes.ts";

/** What was last seen of a relay. */
interface Sight {
  readonly kind: MemberRecord["kind"];
  readonly version: string;
  readonly epoch: string;
  /** It was draining: when it goes, that is as it should be. */
  readonly draining: boolean;
}

/** When somebody looked last; no member has such a name. */
const LOOKED = "last look";
const SAVE_EVERY_MS = 2_000;
/** Within such a pause no member's report runs out. */
const SHORT_PAUSE_MS = MEMBER_TTL_MS - SAVE_EVERY_MS;

/**
 * `relay.joined` and `relay.left`. A relay has left when it said so as it stopped, or was not heard for 10 s; one that is back before with another epoch
 * has joined as restarted.
 */
export class RelayPresence implements EventSource {
  readonly notes: Notes;
  readonly #members: Members;
  readonly #graceMs: number;
  #missesFromMs: number | undefined;

  /** `graceMs`: how long nobody is missed after a time in which nobody looked: while no management or no store was there, nobody could report either. */
  constructor(members: Members, notes: Notes, graceMs: number) {
    this.#members = members;
    this.notes = notes;
    this.#graceMs = graceMs;
  }

  begin(): void {
    this.#missesFromMs = undefined;
  }

  async look(nowMs: number): Promise<readonly FleetEvent[]> {
    const pauseMs = nowMs - Number(this.notes.get(LOOKED) ?? nowMs);
    this.#missesFromMs ??= pauseMs > SHORT_PAUSE_MS ? nowMs + this.#graceMs : nowMs;
    const relays = (await this.#members.list()).filter(({ kind }) => kind !== "gateway");
    const present = new Set([LOOKED, ...relays.map(({ id }) => id)]);
    const left = nowMs < this.#missesFromMs ? [] : this.notes.names.filter((id) => !present.has(id));
    if (pauseMs >= SAVE_EVERY_MS || this.notes.get(LOOKED) === undefined) this.notes.set(LOOKED, String(nowMs));
    return [...relays.flatMap((relay) => this.#joined(relay, nowMs)), ...left.map((id) => this.#left(id, nowMs))];
  }

  end(): void {}

  #joined({ id, kind, version, epoch, draining }: MemberRecord, nowMs: number): FleetEvent[] {
    const before = sightIn(this.notes.get(id));
    this.notes.set(id, JSON.stringify({ kind, version, epoch, draining } satisfies Sight));
    if (before?.epoch === epoch) return [];
    return [{ type: "relay.joined", subject: id, atMs: nowMs, details: { kind, version, restarted: before !== undefined } }];
  }

  #left(id: string, nowMs: number): FleetEvent {
    const { kind = "", version = "", draining = false } = sightIn(this.notes.get(id)) ?? {};
    this.notes.set(id, undefined);
    return { type: "relay.left", subject: id, atMs: nowMs, details: { kind, version, drained: draining } };
  }
}

function sightIn(note: string | undefined): Sight | undefined {
  return note === undefined ? undefined : (JSON.parse(note) as Sight);
}
