import type { Attributes, Observation } from "./metrics.ts";

interface Reader {
  readonly read: () => Iterable<Observation>;
  /** What it read last, should it fail next time. */
  last: readonly Observation[];
}

export interface ObservedInstrumentOptions {
  /** A counter keeps what its readers last read when they go away; a gauge forgets it. */
  readonly monotonic: boolean;
  /** Series that exist from the start. */
  readonly zero: readonly Attributes[];
  /** Throws when the metric may not carry these attributes. */
  readonly check: (attributes: Attributes) => void;
  /** Told when a reader throws; its last good reading stands in for it, so that one bug does not blind a whole scrape. */
  readonly onReadError: (error: unknown) => void;
}

/** The readers of one observed metric, summed by attribute set at scrape time. */
export class ObservedInstrument {
  readonly #options: ObservedInstrumentOptions;
  readonly #readers = new Set<Reader>();
  #retired: readonly Observation[];

  constructor(options: ObservedInstrumentOptions) {
    this.#options = options;
    this.#retired = options.zero.map((attributes) => ({ value: 0, attributes }));
  }

  observe(read: () => Iterable<Observation>): () => void {
    const reader: Reader = { read, last: [] };
    this.#readers.add(reader);
    return () => {
      if (!this.#readers.delete(reader) || !this.#options.monotonic) return;
      this.#retired = sum([...this.#retired, ...this.#read(reader)]);
    };
  }

  /** One observation for each attribute set. */
  collect(): readonly Observation[] {
    return sum([...this.#retired, ...[...this.#readers].flatMap((reader) => this.#read(reader))]);
  }

  #read(reader: Reader): readonly Observation[] {
    try {
      // A copy, since the reader may reuse its objects.
      const observations = Array.from(reader.read(), ({ value, attributes = {} }) => ({ value, attributes: { ...attributes } }));
      for (const { attributes } of observations) this.#options.check(attributes);
      reader.last = observations;
    } catch (error) {
      this.#options.onReadError(error);
    }
    return reader.last;
  }
}

function sum(observations: readonly Observation[]): readonly Observation[] {
  const sums = new Map<string, { value: number; readonly attributes: Attributes }>();
  for (const { value, attributes = {} } of observations) {
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = sums.get(key);
    if (known) known.value += value;
    else sums.set(key, { value, attributes });
  }
  return [...sums.values()];
}
