import { addTouched, countTouched, nothingTouched, type Touched } from "./touched.ts";

/** A place in the history of the configuration. Several places may have one revision: time and declared changes do not count up. */
export interface Place {
  /** The store's. */
  readonly revision: number;
  readonly generation: string;
}

interface LogEntry extends Place {
  /** What is different from the entry before. */
  readonly touched: Touched;
}

const MAX_ENTRIES = 20_000;
/** Resources named in all entries together; a watcher further behind is better served with a snapshot. */
const MAX_TOUCHED = 100_000;

/** What changed since when, so that a watcher that was away for a while gets only that. */
export class ChangeLog {
  #entries: LogEntry[] = [];
  #touchedCount = 0;

  get current(): Place | undefined {
    return this.#entries.at(-1);
  }

  /** Forgets everything: history begins at this place. */
  restart(place: Place): void {
    this.#entries = [{ ...place, touched: nothingTouched() }];
    this.#touchedCount = 0;
  }

  add(place: Place, touched: Touched): void {
    this.#entries.push({ ...place, touched });
    this.#touchedCount += countTouched(touched);
    if (this.#entries.length > MAX_ENTRIES || this.#touchedCount > MAX_TOUCHED) this.#forgetHalf();
  }

  /**
   * Everything touched after that place; undefined when it is not known. Of several entries with the revision the first counts: better
   * something twice than not at all. A revision between two entries is one that came to this process together with later ones.
   */
  since({ revision, generation }: Place): Touched | undefined {
    const last = this.#entries.findLastIndex((entry) => entry.generation === generation && entry.revision <= revision);
    const found = this.#entries[last];
    if (!found || revision > (this.current?.revision ?? 0)) return undefined;
    let first = last;
    while (first > 0 && this.#entries[first - 1]!.revision === found.revision && this.#entries[first - 1]!.generation === generation)
      first--;
    const touched = nothingTouched();
    for (const entry of this.#entries.slice(first + 1)) addTouched(touched, entry.touched);
    return touched;
  }

  #forgetHalf(): void {
    this.#entries = this.#entries.slice(this.#entries.length >> 1);
    this.#touchedCount = this.#entries.reduce((count, { touched }) => count + countTouched(touched), 0);
  }
}
