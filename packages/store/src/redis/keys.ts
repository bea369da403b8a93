import { createHash } from "node:crypto";
import type { ResourceKind } from "../records.ts";
import { subjectName, type TrafficSubject } from "../traffic.ts";

export const DEFAULT_KEY_PREFIX = "shadowfleet";

/** What a prefix may be made of: braces would break the hash tags. */
export const KEY_PREFIX = /^[A-Za-z0-9._:-]{1,64}$/;

const SALT_HASH_BYTES = 16;
const LIMIT_SLOTS = 16;

/**
 * Names of everything kept in Redis. All begin with `{PREFIX:`, which is what an ACL user needs (`~{shadowfleet:*`). The braces are Redis
 * Cluster's hash tag: one tag for each concern, so that every script finds its keys in one slot.
 *
 * `{PREFIX:config}` configuration, its feed and failCnt; together, so that one blocking XREAD follows both streams:
 * - `:meta`       hash: generation, revision
 * - `:ports` `:keys` `:upstreams`  hashes: id -> "VERSION JSON", secrets sealed
 * - `:feed`       stream, id REVISION-NONCE: previous (id), changes ([kind, id]…) or command, traceparent (of a traced write). Names what
 *                 changed, never how: readers fetch the records, so that neither a deleted nor a replaced secret stays behind. Commands
 *                 follow the write they came after.
 * - `:request:ID` string with TTL: the response to an idempotent request, sealed
 * - `:fails`      hash: upstream id -> failCnt
 * - `:fail-feed`  stream, id NUMBER-NONCE: previous (id), upstream, count
 * - `:events`     stream, ids of the server's time: event (JSON); the newest 100,000 and some more. Here, so that a write appends to it in its step
 * - `:once:NAME`  empty string with TTL: an event of this name was kept
 * - `:notes:SCOPE` hash: name -> text
 *
 * `{PREFIX:traffic}` counters:
 * - `:meta`       hash: generation, closed (start of the first open hour)
 * - `:totals`     hash: SUBJECT:COUNTER -> bytes; SUBJECT is `key:ID`, `port:NUMBER`, `member:ID` or `fleet:`, COUNTER one of tu td uu ud
 * - `:marks`      hash: SUBJECT -> the four counts at the last reset and its time, by commas
 * - `:key-ids`    sorted set, all of score 0: access keys with traffic, for paging
 * - `:restored`   hash: subjects given back what an earlier life of the store had counted
 * - `:sequence:MEMBER:EPOCH`  string with TTL: SEQUENCE:all, or SEQUENCE:N while only the first N deltas of that batch are applied
 * - `:hour:MS`    hash with TTL: ID:COUNTER -> bytes of that hour
 *
 * `{PREFIX:live}` what is true only while its process reports:
 * - `:members`    hash: id -> "EXPIRY JSON"
 * - `:publishers` hash: member id -> expiry of its sessions
 * - `:sessions:MEMBER` hash with TTL: session id -> key id, NUL, JSON; `:session-ids:MEMBER` and `:key-sessions:MEMBER` sorted sets with TTL,
 *                 all of score 0: session ids, and key id, NUL, session id
 *
 * - `:turn:NAME`  string with TTL: who has this turn
 *
 * `{PREFIX:limits:N}` limits, N from 0 to 15 by a hash of the access key's id: a cluster shares the load, and a call for many keys is few scripts
 * - `:uses:ID`    hash with TTL: MEMBER -> packed numbers, what each relay last told of sessions and rates, and its shares
 * - `:devices:ID` sorted set with TTL: client address -> until when it counts
 * - `:quota:ID:WINDOW` hash with TTL: base, past -> bytes; `lease:LEASE` -> packed: used, granted, when it was last heard of
 * - `:closed:ID:WINDOW` hash with TTL: `lease:LEASE` -> "COUNTED CLOSED", leases that were silent too long
 *
 * `{PREFIX:salt:HASH}` empty string with TTL: a salt that was seen, by half of a SHA-256 of scope and salt. Each in a slot of its own, so that a
 * cluster shares the load.
 */
export class RedisKeys {
  readonly meta: string;
  readonly feed: string;
  readonly fails: string;
  readonly failFeed: string;
  readonly events: string;
  readonly trafficMeta: string;
  readonly totals: string;
  readonly marks: string;
  readonly keyIds: string;
  readonly restored: string;
  readonly members: string;
  readonly publishers: string;
  readonly records: { readonly [K in ResourceKind]: string };
  readonly #prefix: string;
  readonly #config: string;
  readonly #traffic: string;
  readonly #live: string;

  /** Throws RangeError for a prefix that is no `KEY_PREFIX`. */
  constructor(prefix: string) {
    if (!KEY_PREFIX.test(prefix)) throw new RangeError("a key prefix is 1 to 64 letters, digits, dots, colons, dashes and underscores");
    this.#prefix = prefix;
    this.#config = `{${prefix}:config}`;
    this.#traffic = `{${prefix}:traffic}`;
    this.#live = `{${prefix}:live}`;
    this.meta = `${this.#config}:meta`;
    this.feed = `${this.#config}:feed`;
    this.fails = `${this.#config}:fails`;
    this.failFeed = `${this.#config}:fail-feed`;
    this.events = `${this.#config}:events`;
    this.records = { port: `${this.#config}:ports`, key: `${this.#config}:keys`, upstream: `${this.#config}:upstreams` };
    this.trafficMeta = `${this.#traffic}:meta`;
    this.totals = `${this.#traffic}:totals`;
    this.marks = `${this.#traffic}:marks`;
    this.keyIds = `${this.#traffic}:key-ids`;
    this.restored = `${this.#traffic}:restored`;
    this.members = `${this.#live}:members`;
    this.publishers = `${this.#live}:publishers`;
  }

  request(requestId: string): string {
    return `${this.#config}:request:${requestId}`;
  }

  once(name: string): string {
    return `${this.#config}:once:${name}`;
  }

  notes(scope: string): string {
    return `${this.#config}:notes:${scope}`;
  }

  turn(name: string): string {
    return `${this.#live}:turn:${name}`;
  }

  limitUses(keyId: string): string {
    return `${this.limitsTag(keyId)}:uses:${keyId}`;
  }

  devices(keyId: string): string {
    return `${this.limitsTag(keyId)}:devices:${keyId}`;
  }

  quota(keyId: string, windowId: string): string {
    return `${this.limitsTag(keyId)}:quota:${encodeURIComponent(keyId)}:${windowId}`;
  }

  closedLeases(keyId: string, windowId: string): string {
    return `${this.limitsTag(keyId)}:closed:${encodeURIComponent(keyId)}:${windowId}`;
  }

  /** Keys of one tag may be used in one script. */
  limitsTag(keyId: string): string {
    return `{${this.#prefix}:limits:${hashOf(keyId) % LIMIT_SLOTS}}`;
  }

  sequence(memberId: string, epoch: string): string {
    // Ids may hold colons: two relays must never share a sequence.
    return `${this.#traffic}:sequence:${encodeURIComponent(memberId)}:${encodeURIComponent(epoch)}`;
  }

  hour(hourMs: number): string {
    return `${this.#traffic}:hour:${hourMs}`;
  }

  salt(scope: string, salt: Buffer): string {
    // NUL, which ids cannot hold, keeps scope and salt apart.
    const hash = createHash("sha256").update(`${scope}\0`).update(salt).digest();
    return `{${this.#prefix}:salt:${hash.subarray(0, SALT_HASH_BYTES).toString("base64url")}}`;
  }

  sessions(memberId: string): string {
    return `${this.#live}:sessions:${memberId}`;
  }

  sessionIds(memberId: string): string {
    return `${this.#live}:session-ids:${memberId}`;
  }

  keySessions(memberId: string): string {
    return `${this.#live}:key-sessions:${memberId}`;
  }
}

/** FNV-1a: the same in every process, spread well enough. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** A subject's name in `:totals`, `:marks` and `:restored`. */
export function subjectField(subject: TrafficSubject): string {
  return `${subject.kind}:${subjectName(subject)}`;
}
