import type { Attributes, Counter, Histogram } from "./metrics.ts";

/** Told by a series when it has something to show for the first time. */
export type OnFirst<S> = (series: S) => void;

export class CounterSeries implements Counter {
  readonly attributes: Attributes;
  value = 0;
  readonly #onFirst: OnFirst<CounterSeries>;
  #isShown = false;

  constructor(attributes: Attributes, onFirst: OnFirst<CounterSeries>) {
    this.attributes = attributes;
    this.#onFirst = onFirst;
  }

  add(value: number): void {
    this.value += value;
    if (this.#isShown) return;
    this.#isShown = true;
    this.#onFirst(this);
  }
}

export class HistogramSeries implements Histogram {
  readonly attributes: Attributes;
  readonly bounds: readonly number[];
  /** Of each bucket; the last is that above all bounds. */
  readonly counts: number[];
  count = 0;
  sum = 0;
  readonly #onFirst: OnFirst<HistogramSeries>;

  constructor(attributes: Attributes, bounds: readonly number[], onFirst: OnFirst<HistogramSeries>) {
    this.attributes = attributes;
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
    this.#onFirst = onFirst;
  }

  record(value: number): void {
    if (Number.isNaN(value)) return;
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
    this.count += 1;
    if (this.count === 1) this.#onFirst(this);
  }
}
