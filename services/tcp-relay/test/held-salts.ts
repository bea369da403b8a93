import type { SaltClaim, SharedSalts } from "@shadowfleet/relay";
import { eventually } from "@shadowfleet/testkit";

/** A shared set whose answers the test gives, in the order of the questions. */
export class HeldSalts implements SharedSalts {
  readonly asked: { readonly scope: string; readonly salt: string; readonly windowSeconds: number }[] = [];
  readonly #waiting: ((claim: SaltClaim) => void)[] = [];

  claim(scope: string, salt: Buffer, windowSeconds: number): Promise<SaltClaim> {
    this.asked.push({ scope, salt: salt.toString("hex"), windowSeconds });
    const { promise, resolve } = Promise.withResolvers<SaltClaim>();
    this.#waiting.push(resolve);
    return promise;
  }

  /** Waits for the next question and answers it. */
  async answer(claim: SaltClaim): Promise<void> {
    await this.untilAsked();
    this.#waiting.shift()?.(claim);
  }

  /** Waits for a question that has no answer yet. */
  untilAsked(): Promise<void> {
    return eventually("a claim", () => this.#waiting.length > 0);
  }
}
