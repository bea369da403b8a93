import type { Clock } from "@shadowfleet/runtime";
import { MEMBER_TTL_MS, type MemberRecord, type SessionRecord } from "../records.ts";

interface PublishedSessions {
  seenAtMs: number;
  readonly sessions: Map<string, SessionRecord>;
}

/** Members and sessions: true only while their processes report, so they are never written to disk. */
export class LiveState {
  readonly #clock: Clock;
  readonly #members = new Map<string, { readonly member: MemberRecord; readonly seenAtMs: number }>();
  readonly #published = new Map<string, PublishedSessions>();

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

  #isGone(seenAtMs: number): boolean {
    return this.#clock.now() - seenAtMs > MEMBER_TTL_MS;
  }
}
