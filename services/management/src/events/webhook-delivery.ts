import { FullJitter } from "@shadowfleet/control-api";
import type { Clock, ErrorCode, Logger, Metrics } from "@shadowfleet/runtime";
import type { FleetStore, StoredEvent } from "@shadowfleet/store";
import { eventFilter } from "./event-filter.ts";
import type { EventTail } from "./event-tail.ts";
import { pause, Turn } from "./turn.ts";
import type { Webhook } from "./webhook-config.ts";
import { postWebhook, type WebhookAnswer } from "./webhook-request.ts";

export interface WebhookTiming {
  readonly turnMs: number;
  readonly webhookRetryMinMs: number;
  readonly webhookRetryMaxMs: number;
}

export interface WebhookDeliveryOptions {
  readonly store: Pick<FleetStore, "takeTurn" | "readNotes" | "writeNotes">;
  readonly tail: EventTail;
  /** This process, among those that deliver. */
  readonly holder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly timing: WebhookTiming;
}

/** Notes: by webhook, the last event that is done with. */
const SCOPE = "webhooks";
const BATCH = 100;
/** How often an event is tried that the receiver refuses; with the longest pauses that is some minutes. */
const MAX_REFUSALS = 12;

/**
 * Delivers events to one webhook, one after the other, while this process has the turn. An event is tried until it is taken; only one that is refused again
 * and again, or is gone (410), is skipped. The place is kept after each, so another process goes on there.
 */
export class WebhookDelivery {
  readonly webhook: Webhook;
  readonly #options: WebhookDeliveryOptions;
  readonly #wants: (event: StoredEvent) => boolean;
  readonly #turn: Turn;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #waiting: StoredEvent | undefined;

  constructor(webhook: Webhook, options: WebhookDeliveryOptions) {
    const { store, holder, timing, logger } = options;
    this.webhook = webhook;
    this.#options = options;
    this.#wants = eventFilter(webhook.types);
    this.#turn = new Turn({ store, name: `webhook/${webhook.name}`, holder, ttlMs: timing.turnMs, logger });
    // A counter that begins at 1 has no increase.
    for (const outcome of ["OK", "WEBHOOK_FAILED", "WEBHOOK_REFUSED", "WEBHOOK_SKIPPED"] as const) this.#count(outcome, 0);
  }

  /** How old the event is that is being delivered, in seconds; 0 when all are, undefined where another process delivers. */
  get lagSeconds(): number | undefined {
    if (!this.#turn.isHeld) return undefined;
    return this.#waiting ? Math.max(0, this.#options.clock.now() - this.#waiting.atMs) / 1_000 : 0;
  }

  start(): void {
    this.#running ??= this.#turn.run((held) => this.#work(held), this.#closing.signal);
  }

  /** A try under way is given up: the event will come again. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #work(held: AbortSignal): Promise<void> {
    let place = await this.#place();
    while (!held.aborted) {
      const events = await this.#options.tail.next(place, BATCH, held);
      for (const event of events) {
        if (this.#wants(event)) {
          if (!(await this.#deliver(event, held))) return;
          await this.#keep(event.id);
        }
        place = event.id;
      }
      const last = events.at(-1);
      if (last && !this.#wants(last)) await this.#keep(place);
    }
  }

  /** Where delivery goes on; of a new webhook, after the newest event. */
  async #place(): Promise<string> {
    const { store, tail } = this.#options;
    const kept = (await store.readNotes(SCOPE)).get(this.webhook.name);
    if (kept !== undefined) return kept;
    const lastId = await tail.lastId();
    await this.#keep(lastId);
    return lastId;
  }

  async #keep(place: string): Promise<void> {
    await this.#options.store.writeNotes(SCOPE, new Map([[this.webhook.name, place]]));
  }

  /** False: the turn was over before the event was done with. */
  async #deliver(event: StoredEvent, held: AbortSignal): Promise<boolean> {
    const { clock, timing } = this.#options;
    const backoff = new FullJitter({ minMs: timing.webhookRetryMinMs, maxMs: timing.webhookRetryMaxMs });
    this.#waiting = event;
    try {
      for (let tries = 1, refusals = 0; !held.aborted; tries++) {
        const answer = await postWebhook(this.webhook, event, clock.now(), held);
        if (answer.outcome === "delivered") {
          this.#taken(event, tries);
          return true;
        }
        if (held.aborted) break;
        if (answer.outcome === "refused") refusals++;
        if (answer.outcome !== "gone") this.#count(answer.outcome === "refused" ? "WEBHOOK_REFUSED" : "WEBHOOK_FAILED");
        if (answer.outcome === "gone" || refusals >= MAX_REFUSALS) {
          this.#skip(event, answer, tries);
          return true;
        }
        this.#log(
          tries === 1 ? "warn" : "debug",
          event,
          { reason: answer.reason, tries },
          "a webhook does not take an event, it is tried again",
        );
        await pause(backoff.next(), held);
      }
      return false;
    } finally {
      this.#waiting = undefined;
    }
  }

  #taken(event: StoredEvent, tries: number): void {
    this.#count("OK");
    if (tries > 1) this.#log("info", event, { tries }, "a webhook takes events again");
  }

  #skip(event: StoredEvent, answer: Exclude<WebhookAnswer, { outcome: "delivered" }>, tries: number): void {
    this.#count("WEBHOOK_SKIPPED");
    this.#log("error", event, { code: "WEBHOOK_SKIPPED", reason: answer.reason, tries }, "a webhook refuses an event, it is skipped");
  }

  /** The address beyond its host is nobody's business: with some receivers it is what lets one in. */
  #log(level: "debug" | "info" | "warn" | "error", { id, type }: StoredEvent, fields: object, text: string): void {
    const { name, url } = this.webhook;
    this.#options.logger[level]({ webhook: name, host: new URL(url).host, event: id, type, ...fields }, text);
  }

  #count(outcome: "OK" | ErrorCode, count = 1): void {
    this.#options.metrics.add("fleet.webhook.deliveries", count, { webhook: this.webhook.name, outcome });
  }
}
