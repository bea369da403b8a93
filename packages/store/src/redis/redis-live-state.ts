import { MEMBER_TTL_MS, type MemberRecord, type SessionRecord } from "../records.ts";
import type { RedisKeys } from "./keys.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** Sessions of one script. */
const MAX_UPDATES = 1_000;
const NUL = "\0";

/** Members and live sessions, gone when their process stops reporting, and salts, gone after their window. */
export class RedisLiveState {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;

  constructor(connection: RedisConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async putMember(member: MemberRecord): Promise<void> {
    await this.#connection.script("putMember", [this.#keys.members], member.id, JSON.stringify(member), MEMBER_TTL_MS);
  }

  async removeMember(memberId: string): Promise<void> {
    const { members, publishers } = this.#keys;
    const sessions = this.#sessionKeys(memberId);
    await this.#connection.run("removeMember", (client) =>
      Promise.all([client.hdel(members, memberId), client.hdel(publishers, memberId), client.del(...sessions)]),
    );
  }

  async listMembers(): Promise<MemberRecord[]> {
    return [...(await this.#listLive(this.#keys.members)).values()].map((text) => JSON.parse(text) as MemberRecord);
  }

  async publishSessions(memberId: string, updated: readonly SessionRecord[], closedIds: readonly string[]): Promise<void> {
    const keys = [this.#keys.publishers, ...this.#sessionKeys(memberId)];
    // At least once, for it also says that the relay is there.
    for (let at = 0; at === 0 || at < updated.length; at += MAX_UPDATES) {
      const part = updated.slice(at, at + MAX_UPDATES);
      const fields = part.flatMap((session) => [session.id, session.keyId, JSON.stringify(session)]);
      const closed = at + MAX_UPDATES >= updated.length ? closedIds : [];
      await this.#connection.script("publishSessions", keys, memberId, MEMBER_TTL_MS, part.length, fields, closed);
    }
  }

  async listSessions(afterId: string, limit: number, keyId: string | undefined): Promise<SessionRecord[]> {
    const memberIds = [...(await this.#listLive(this.#keys.publishers)).keys()];
    const pages = await Promise.all(memberIds.map((memberId) => this.#sessionIds(memberId, afterId, limit, keyId)));
    const page = pages
      .flat()
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
      .slice(0, limit);
    return this.#readSessions(page);
  }

  async claimSalt(scope: string, salt: Buffer, windowSeconds: number): Promise<boolean> {
    const key = this.#keys.salt(scope, salt);
    return (await this.#connection.run("SET", (client) => client.set(key, "", "EX", windowSeconds, "NX"), { once: true })) === "OK";
  }

  #sessionKeys(memberId: string): [string, string, string] {
    return [this.#keys.sessions(memberId), this.#keys.sessionIds(memberId), this.#keys.keySessions(memberId)];
  }

  async #listLive(key: string): Promise<Map<string, string>> {
    const flat = (await this.#connection.script("listLive", [key])) as string[];
    const found = new Map<string, string>();
    for (let at = 0; at < flat.length; at += 2) found.set(flat[at]!, flat[at + 1]!);
    return found;
  }

  async #sessionIds(memberId: string, afterId: string, limit: number, keyId: string | undefined): Promise<PublishedSession[]> {
    const [index, head] = keyId === undefined ? [this.#keys.sessionIds(memberId), ""] : [this.#keys.keySessions(memberId), keyId + NUL];
    const from = head + afterId === "" ? "-" : `(${head}${afterId}`;
    const to = keyId === undefined ? "+" : `(${keyId}\u0001`;
    const found = await this.#connection.run("ZRANGE", (client) => client.zrange(index, from, to, "BYLEX", "LIMIT", 0, limit));
    return found.map((text) => {
      const id = text.slice(head.length);
      return { memberId, id, bytes: Buffer.from(id) };
    });
  }

  /** In the order of the page; what closed since its id was read is left out. */
  async #readSessions(page: readonly PublishedSession[]): Promise<SessionRecord[]> {
    const found = new Map<PublishedSession, string | null>();
    const byMember = Map.groupBy(page, ({ memberId }) => memberId);
    await this.#connection.run("HMGET", (client) =>
      Promise.all(
        [...byMember].map(async ([memberId, sessions]) => {
          const texts = await client.hmget(this.#keys.sessions(memberId), ...sessions.map(({ id }) => id));
          for (const [at, session] of sessions.entries()) found.set(session, texts[at] ?? null);
        }),
      ),
    );
    return page.flatMap((session) => {
      const text = found.get(session);
      return text ? [JSON.parse(text.slice(text.indexOf(NUL) + 1)) as SessionRecord] : [];
    });
  }
}

interface PublishedSession {
  readonly memberId: string;
  readonly id: string;
  /** The id's bytes: the order in which Redis sorts. */
  readonly bytes: Buffer;
}
