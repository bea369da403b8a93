import type { Clock } from "@shadowfleet/runtime";
import { MEMBER_TTL_MS, type MemberRecord, type SessionRecord } from "../records.ts";

interface PublishedSessions {
  seenAtMs: number;
  readonly sessions: Map<string, SessionRecord>;
}

/** Members, sessions and turns, true only while their processes report, and salts of the last minutes: never written to disk. */
export class LiveState {
  readonly #clock: Clock;
  readonly #members = new Map<string, { readonly member: MemberRecord; readonly seenAtMs: number }>();
  readonly #published = new Map<string, PublishedSessions>();
  /** Claimed salts by window, each in order of expiry: scope, NUL and salt -> when. */
  readonly #salts = new Map<number, Map<string, number>>();
  readonly #turns = new Map<string, { readonly holder: string; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  putMember(member: MemberRecord): void {
    this.#members.set(member.id, { member, seenAtMs: this.#clock.now() });
  }

  removeMember(memberId: string): void {
    this.#members.delete(memberId);
    this.#published.delete(memberId);
  }

  listMembers(): MemberRecord[] {
    for (const [id, { seenAtMs }] of this.#members) if (this.#isGone(seenAtMs)) this.#members.delete(id);
    return [...this.#members.values()].map(({ member }) => member);
  }

  publishSessions(memberId: string, updated: readonly SessionRecord[], closedIds: readonly string[]): void {
    const published = this.#published.get(memberId) ?? { seenAtMs: 0, sessions: new Map() };
    published.seenAtMs = this.#clock.now();
    this.#published.set(memberId, published);
    for (const session of updated) published.sessions.set(session.id, session);
    for (const id of closedIds) published.sessions.delete(id);
  }

  listSessions(afterId: string, limit: number, keyId: string | undefined): SessionRecord[] {
    for (const [memberId, { seenAtMs }] of this.#published) if (this.#isGone(seenAtMs)) this.#published.delete(memberId);
    return [...this.#published.values()]
      .flatMap(({ sessions }) => [...sessions.values()])
      .filter((session) => session.id > afterId && (keyId === undefined || session.keyId === keyId))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  claimSalt(scope: string, salt: Buffer, windowSeconds: number): boolean {
    const now = this.#clock.now();
    const name = `${scope}\0${salt.toString("latin1")}`;
    let claimed = this.#salts.get(windowSeconds);
    if (!claimed) {
      claimed = new Map();
      this.#salts.set(windowSeconds, claimed);
    }
    for (const salts of this.#salts.values()) {
      dropExpired(salts, now);
      if (salts.has(name)) return false;
    }
    claimed.set(name, now + windowSeconds * 1000);
    return true;
  }

  takeTurn(name: string, holder: string, ttlMs: number): boolean {
    const now = this.#clock.now();
    const turn = this.#turns.get(name);
    if (turn && turn.holder !== holder && turn.untilMs > now) return false;
    this.#turns.set(name, { holder, untilMs: now + ttlMs });
    return true;
  }

  #isGone(seenAtMs: number): boolean {
    return this.#clock.now() - seenAtMs > MEMBER_TTL_MS;
  }
}

function dropExpired(salts: Map<string, number>, now: number): void {
  for (const [name, expiresAtMs] of salts) {
    if (expiresAtMs > now) return;
    salts.delete(name);
  }
}
