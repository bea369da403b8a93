import { codeOf, type Logger } from "@shadowfleet/runtime";
import type { FleetStore, SessionRecord } from "@shadowfleet/store";
import type { LiveSession, SessionRegistry } from "../session-registry.ts";
import { withinDeadline } from "./call-deadline.ts";

export interface SessionPublisherOptions {
  readonly sessions: SessionRegistry;
  readonly store: Pick<FleetStore, "publishSessions">;
  readonly memberId: string;
  readonly epoch: string;
  readonly logger: Logger;
  /** Default 2 s; sessions are forgotten by the store 10 s after the last call. */
  readonly intervalMs?: number;
  /** Default 5 s. */
  readonly callTimeoutMs?: number;
}

const INTERVAL_MS = 2000;
const CALL_TIMEOUT_MS = 5000;

/** Tells the store which sessions live here: what opened, moved bytes or closed since it was last told. */
export class SessionPublisher {
  readonly #options: SessionPublisherOptions;
  /** Bytes of both directions of each session as the store knows them, by fleet-wide id. */
  #known = new Map<string, number>();
  /** The store may have forgotten what it was told. */
  #isStale = false;
  #timer: NodeJS.Timeout | undefined;
  #publishing: Promise<void> | undefined;
  #isAway = false;

  constructor(options: SessionPublisherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.publish(), this.#options.intervalMs ?? INTERVAL_MS);
  }

  /** The live session of a fleet-wide id; undefined when it does not live here. */
  find(id: string): LiveSession | undefined {
    const prefix = this.#nameOf("");
    if (!id.startsWith(prefix)) return undefined;
    const own = id.slice(prefix.length);
    return this.#options.sessions.list().find((session) => session.id === own);
  }

  /** All of them with the next call: the store was emptied. */
  forget(): void {
    this.#isStale = true;
  }

  /** One call at a time: a second one joins the first. Never rejects. */
  publish(): Promise<void> {
    this.#publishing ??= this.#publish(this.#options.sessions.list()).finally(() => {
      this.#publishing = undefined;
    });
    return this.#publishing;
  }

  /** The end: nothing lives here any more. */
  async finish(limitMs: number): Promise<void> {
    clearInterval(this.#timer);
    await withinDeadline(
      Promise.resolve(this.#publishing).then(() => this.#publish([])),
      limitMs,
    ).catch(() => undefined);
  }

  async #publish(live: readonly LiveSession[]): Promise<void> {
    const { store, memberId, callTimeoutMs = CALL_TIMEOUT_MS } = this.#options;
    const now = new Map(live.map((session) => [this.#nameOf(session.id), session.bytesUp + session.bytesDown] as const));
    const changed = live.filter(
      (session) => this.#isStale || this.#known.get(this.#nameOf(session.id)) !== now.get(this.#nameOf(session.id)),
    );
    const closedIds = [...this.#known.keys()].filter((id) => !now.has(id));
    // With sessions also when nothing changed: the call keeps them alive.
    if (now.size === 0 && closedIds.length === 0) return;
    try {
      await withinDeadline(
        store.publishSessions(
          memberId,
          changed.map((session) => this.#recordOf(session)),
          closedIds,
        ),
        callTimeoutMs,
      );
      this.#known = now;
      this.#isStale = false;
      this.#isAway = false;
    } catch (error) {
      this.#isStale = true;
      const level = this.#isAway ? "debug" : "warn";
      this.#isAway = true;
      this.#options.logger[level]({ code: codeOf(error), err: error }, "live sessions could not be published");
    }
  }

  #nameOf(id: string): string {
    const { memberId, epoch } = this.#options;
    return `${memberId}/${epoch}/${id}`;
  }

  #recordOf({ id, keyId, port, transport, clientHost, clientPort, startedAtMs, bytesUp, bytesDown }: LiveSession): SessionRecord {
    const clientAddress = clientHost.includes(":") ? `[${clientHost}]:${clientPort}` : `${clientHost}:${clientPort}`;
    return {
      id: this.#nameOf(id),
      memberId: this.#options.memberId,
      keyId,
      port,
      transport,
      clientAddress,
      startedAtMs,
      bytesUp,
      bytesDown,
    };
  }
}
