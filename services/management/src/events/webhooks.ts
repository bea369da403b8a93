import { isDeepStrictEqual } from "node:util";
import type { Observation } from "@shadowfleet/runtime";
import type { Webhook } from "./webhook-config.ts";
import { WebhookDelivery, type WebhookDeliveryOptions } from "./webhook-delivery.ts";

/** All webhooks of the configuration. A reload leaves alone what stays the same. */
export class Webhooks {
  readonly #options: WebhookDeliveryOptions;
  #deliveries = new Map<string, WebhookDelivery>();
  #changing: Promise<void> = Promise.resolve();
  #unobserve: () => void = () => {};

  constructor(options: WebhookDeliveryOptions) {
    this.#options = options;
  }

  start(webhooks: readonly Webhook[]): void {
    this.#unobserve = this.#options.metrics.observe("fleet.webhook.lag.seconds", () => this.#lags());
    this.replace(webhooks);
  }

  /** Webhooks that are gone or different end first; what replaces them goes on at their place. */
  replace(webhooks: readonly Webhook[]): void {
    this.#changing = this.#changing.then(() => this.#change(webhooks));
  }

  async close(): Promise<void> {
    this.replace([]);
    await this.#changing;
    this.#unobserve();
  }

  async #change(webhooks: readonly Webhook[]): Promise<void> {
    const before = this.#deliveries;
    const kept = webhooks
      .map((webhook) => before.get(webhook.name))
      .filter((delivery, index) => isDeepStrictEqual(delivery?.webhook, webhooks[index]));
    await Promise.all([...before.values()].filter((delivery) => !kept.includes(delivery)).map((delivery) => delivery.close()));
    this.#deliveries = new Map(
      webhooks.map((webhook) => [
        webhook.name,
        kept.find((delivery) => delivery?.webhook.name === webhook.name) ?? new WebhookDelivery(webhook, this.#options),
      ]),
    );
    for (const delivery of this.#deliveries.values()) delivery.start();
  }

  #lags(): Observation[] {
    return [...this.#deliveries].flatMap(([webhook, { lagSeconds: value }]) =>
      value === undefined ? [] : [{ value, attributes: { webhook } }],
    );
  }
}
