import type { ErrorCode } from "@shadowfleet/runtime";
import { NOWHERE, Places } from "@shadowfleet/transport";
import type { LiveSession, SessionRegistry } from "./session-registry.ts";

/** The sessions of one process by access key. Every operation but `list()` costs at most the sessions of the key it is about. */
export class LiveSessions implements SessionRegistry {
  readonly #byKey = new Map<string, Places<LiveSession>>();
  /** The key that was the last to be left by all its sessions: the next one is often of it. */
  #left = "";
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(session: LiveSession): void {
    if (session.registryPlace !== NOWHERE) return;
    let sessions = this.#byKey.get(session.keyId);
    if (!sessions) {
      sessions = new Places();
      this.#byKey.set(session.keyId, sessions);
    }
    session.registryPlace = sessions.add(session);
    this.#size++;
  }

  remove(session: LiveSession): void {
    if (session.registryPlace === NOWHERE) return;
    const sessions = this.#byKey.get(session.keyId)!;
    sessions.remove(session.registryPlace);
    session.registryPlace = NOWHERE;
    this.#size--;
    if (sessions.size === 0) this.#leave(session.keyId);
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

  #leave(keyId: string): void {
    if (keyId === this.#left) return;
    if (this.#byKey.get(this.#left)?.size === 0) this.#byKey.delete(this.#left);
    this.#left = keyId;
  }
}
