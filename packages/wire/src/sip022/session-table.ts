import { MAX_CLOCK_SKEW_SECONDS } from "./timestamp.ts";

/** What the table needs to know of a session. */
export interface TableSession {
  readonly clientSessionId: string;
  /** Unix second of the last packet that was accepted. */
  lastSeenSeconds: number;
  /** Its NAT entry is gone; a further packet takes it back into use. */
  released: boolean;
}

/** A packet stays fresh from 30 s before its timestamp to 30 s after: a window forgotten earlier would let it in again. */
const REMEMBERED_SECONDS = 2 * MAX_CLOCK_SKEW_SECONDS;

/** Sessions looked at whenever one is added: more than one, so that released ones go faster than new ones come. */
const LOOKED_AT = 8;

/**
 * Client sessions by id. A released session stays until its last packet can no longer be replayed. Cleaning goes along with adding: a hand
 * walks round the table, some steps per new session, so no single packet pays for a sweep. In a full table the one longest unseen of those
 * just looked at makes room.
 */
export class SessionTable<S extends TableSession> {
  readonly #capacity: number;
  readonly #sessions = new Map<string, S>();
  #hand: MapIterator<S> = this.#sessions.values();

  /** `capacity`: sessions held at most, released ones included. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(clientSessionId: string): S | undefined {
    return this.#sessions.get(clientSessionId);
  }

  /** Adds a session whose id is not in the table. */
  add(session: S, unixSeconds: number): void {
    let stalest: S | undefined;
    for (let i = 0; i < LOOKED_AT; i += 1) {
      const candidate = this.#next();
      if (candidate === undefined) break;
      if (candidate.released && unixSeconds - candidate.lastSeenSeconds > REMEMBERED_SECONDS) {
        this.#sessions.delete(candidate.clientSessionId);
      } else if (stalest === undefined || candidate.lastSeenSeconds < stalest.lastSeenSeconds) {
        stalest = candidate;
      }
    }
    if (stalest !== undefined && this.#sessions.size >= this.#capacity) this.#sessions.delete(stalest.clientSessionId);
    this.#sessions.set(session.clientSessionId, session);
  }

  #next(): S | undefined {
    const step = this.#hand.next();
    if (step.done !== true) return step.value;
    this.#hand = this.#sessions.values();
    return this.#hand.next().value;
  }
}
