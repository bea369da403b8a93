import { randomUUID } from "node:crypto";
import type { Metrics } from "@shadowfleet/runtime";
import type { ManagementContext } from "../context.ts";
import { DerivedEvents } from "./derived-events.ts";
import { EventTail } from "./event-tail.ts";
import { KeyExpiry } from "./key-expiry.ts";
import { Notes } from "./notes.ts";
import { QuotaMarks } from "./quota-marks.ts";
import { RelayPresence } from "./relay-presence.ts";
import { Turn } from "./turn.ts";
import { UpstreamHealth } from "./upstream-health.ts";
import type { Webhook } from "./webhook-config.ts";
import { Webhooks } from "./webhooks.ts";

/** The events of the fleet: those that have to be noticed, and whoever waits for any. */
export class FleetEvents {
  readonly tail: EventTail;
  readonly #derived: DerivedEvents;
  readonly #webhooks: Webhooks;

  constructor({ store, directory, members, clock, logger, timing }: ManagementContext, metrics: Metrics) {
    const holder = randomUUID();
    const nowMs = (): number => clock.now();
    const notes = (scope: string): Notes => new Notes(store, `events/${scope}`);
    this.tail = new EventTail(store, timing.eventsMs);
    this.#derived = new DerivedEvents({
      store,
      sources: [
        new KeyExpiry(directory, notes("key-expiry")),
        new QuotaMarks({ directory, store, notes: notes("quotas") }),
        new UpstreamHealth(directory, notes("upstreams"), nowMs),
        new RelayPresence(members, notes("relays"), timing.relayGraceMs),
      ],
      turn: new Turn({ store, name: "events", holder, ttlMs: timing.turnMs, logger }),
      nowMs,
      intervalMs: timing.derivedMs,
    });
    this.#webhooks = new Webhooks({ store, tail: this.tail, holder, clock, logger, metrics, timing });
  }

  /** Call once the store's state is known: nothing is told of a fleet half seen. */
  start(webhooks: readonly Webhook[]): void {
    this.#derived.start();
    this.#webhooks.start(webhooks);
  }

  replaceWebhooks(webhooks: readonly Webhook[]): void {
    this.#webhooks.replace(webhooks);
  }

  async close(): Promise<void> {
    await Promise.all([this.#derived.close(), this.#webhooks.close()]);
  }
}
