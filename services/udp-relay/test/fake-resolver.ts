import type { Resolution, Resolver } from "@shadowfleet/transport";

/** Names of a test: resolved when asked, unless held back; remembered for `peek` once resolved. */
export class FakeResolver implements Resolver {
  /** Names asked for with `resolve`, in order. */
  readonly asked: string[] = [];
  readonly #names: Map<string, readonly string[]>;
  readonly #known = new Map<string, Resolution>();
  readonly #held = new Map<string, (() => void)[]>();

  constructor(names: Readonly<Record<string, readonly string[]>> = {}) {
    this.#names = new Map(Object.entries(names));
  }

  set(name: string, addresses: readonly string[]): void {
    this.#names.set(name, addresses);
  }

  /** The name does not resolve from now on. */
  remove(name: string): void {
    this.#names.delete(name);
  }

  /** The name's look-ups wait until `letGo`. */
  hold(name: string): void {
    this.#held.set(name, []);
  }

  letGo(name: string): void {
    const waiting = this.#held.get(name) ?? [];
    this.#held.delete(name);
    for (const go of waiting) go();
  }

  /** `peek` knows it no more, as after a cache's time is over. */
  expire(name: string): void {
    this.#known.delete(name);
  }

  peek(name: string): Resolution | undefined {
    return this.#known.get(name);
  }

  async resolve(name: string): Promise<Resolution> {
    this.asked.push(name);
    const waiting = this.#held.get(name);
    if (waiting) await new Promise<void>((go) => waiting.push(go));
    const addresses = this.#names.get(name);
    const resolution: Resolution = addresses
      ? { ok: true, addresses: addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })) }
      : { ok: false, code: "DNS_FAILED", cause: new Error("no such name") };
    this.#known.set(name, resolution);
    return resolution;
  }
}
