import type { FleetEvent, MemberRecord } from "@shadowfleet/store";
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

/**
 * `relay.joined` and `relay.left`. A relay has left when it said so as it stopped, or was not heard for 10 s; one that is back before with another epoch
 * has joined as restarted.
 */
export class RelayPresence implements EventSource {
  readonly notes: Notes;
  readonly #members: Members;
  readonly #graceMs: number;
  #leavesFromMs: number | undefined;

  /** `graceMs`: how long nobody is missed after the turn began: members that reported to a management that died need a moment to find another one. */
  constructor(members: Members, notes: Notes, graceMs: number) {
    this.#members = members;
    this.notes = notes;
    this.#graceMs = graceMs;
  }

  begin(): void {
    this.#leavesFromMs = undefined;
  }

  async look(nowMs: number): Promise<readonly FleetEvent[]> {
    this.#leavesFromMs ??= nowMs + this.#graceMs;
    const relays = (await this.#members.list()).filter(({ kind }) => kind !== "gateway");
    const present = new Set(relays.map(({ id }) => id));
    const left = nowMs < this.#leavesFromMs ? [] : this.notes.names.filter((id) => !present.has(id));
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
