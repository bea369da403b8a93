import type { WireEnvironment } from "@shadowfleet/wire";
import { PseudoRandom } from "./pseudo-random.ts";

export interface ScriptedEnvironmentOptions {
  /** Bytes that `random` gives first, in this order. */
  readonly random?: readonly Buffer[];
  /** Seed of what comes after. Default 1. */
  readonly seed?: number;
  /** Where the clock stands. Default 1,700,000,000, the time of the SIP022 vectors. */
  readonly unixSeconds?: number;
}

/** A WireEnvironment whose randomness and time the test decides. */
export class ScriptedEnvironment implements WireEnvironment {
  #queue: Buffer;
  readonly #after: PseudoRandom;
  #unixSeconds: number;

  constructor(options: ScriptedEnvironmentOptions = {}) {
    this.#queue = Buffer.concat(options.random ?? []);
    this.#after = new PseudoRandom(options.seed ?? 1);
    this.#unixSeconds = options.unixSeconds ?? 1_700_000_000;
  }

  random(target: Buffer): void {
    const queued = this.#queue.copy(target);
    this.#queue = this.#queue.subarray(queued);
    this.#after.fill(target.subarray(queued));
  }

  unixSeconds(): number {
    return this.#unixSeconds;
  }

  /** Bytes that the next calls of `random` give, behind those queued before. */
  queueRandom(...bytes: readonly Buffer[]): void {
    this.#queue = Buffer.concat([this.#queue, ...bytes]);
  }

  /** Queued bytes nobody has asked for: 0 when the code under test drew exactly what was scripted, or more. */
  get unusedRandomBytes(): number {
    return this.#queue.length;
  }

  setUnixSeconds(unixSeconds: number): void {
    this.#unixSeconds = unixSeconds;
  }

  advanceSeconds(seconds: number): void {
    this.#unixSeconds += seconds;
  }
}
