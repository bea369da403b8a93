import type { ErrorCode } from "@shadowfleet/runtime";
import type { LiveSession, SessionRegistry } from "./session-registry.ts";

/** The sessions of one process by access key. Every operation but `list()` costs at most the sessions of the key it is about. */
export class LiveSessions implements SessionRegistry {
  readonly #byKey = new Map<string, Set<LiveSession>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(session: LiveSession): void {
    let sessions = this.#byKey.get(session.keyId);
    if (!sessions) {
      sessions = new Set();
      this.#byKey.set(session.keyId, sessions);
    }
    if (sessions.has(session)) return;
    sessions.add(session);
    this.#size++;
  }

  remove(session: LiveSession): void {
    const sessions = this.#byKey.get(session.keyId);
    if (!sessions?.delete(session)) return;
    this.#size--;
    if (sessions.size === 0) this.#byKey.delete(session.keyId);
  }

  list(keyId?: string): readonly LiveSession[] {
    if (keyId !== undefined) return [...(this.#byKey.get(keyId) ?? [])];
    return [...this.#byKey.values()].flatMap((sessions) => [...sessions]);
  }

  terminateKey(keyId: string, code: ErrorCode): number {
    // A copy: sessions remove themselves while they end.
    const sessions = this.list(keyId);
    for (const session of sessions) session.terminate(code);
    return sessions.length;
  }
}
