import type { FleetStore } from "@shadowfleet/store";

/** What was told already, by name: kept in the store, so that whoever has the turn next knows it. Changes are collected until `save`. */
export class Notes {
  readonly #store: Pick<FleetStore, "readNotes" | "writeNotes">;
  readonly #scope: string;
  #kept = new Map<string, string>();
  #changed = new Map<string, string | undefined>();

  constructor(store: Pick<FleetStore, "readNotes" | "writeNotes">, scope: string) {
    this.#store = store;
    this.#scope = scope;
  }

  get names(): readonly string[] {
    return [...this.#kept.keys()];
  }

  get(name: string): string | undefined {
    return this.#kept.get(name);
  }

  /** Undefined takes it away. */
  set(name: string, text: string | undefined): void {
    if (this.#kept.get(name) === text) return;
    if (text === undefined) this.#kept.delete(name);
    else this.#kept.set(name, text);
    this.#changed.set(name, text);
  }

  /** As the store has them; what was changed and not saved is forgotten. */
  async load(): Promise<void> {
    this.#changed = new Map();
    this.#kept = new Map(await this.#store.readNotes(this.#scope));
  }

  async save(): Promise<void> {
    if (this.#changed.size === 0) return;
    const changed = this.#changed;
    this.#changed = new Map();
    await this.#store.writeNotes(this.#scope, changed);
  }
}
