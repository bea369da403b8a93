/** Series of one metric by what tells them apart, each bound when it first has something to count. */
export class SeriesBy<Key, Series> {
  readonly #bind: (key: Key) => Series;
  readonly #bound = new Map<Key, Series>();

  constructor(bind: (key: Key) => Series) {
    this.#bind = bind;
  }

  of(key: Key): Series {
    let series = this.#bound.get(key);
    if (series === undefined) {
      series = this.#bind(key);
      this.#bound.set(key, series);
    }
    return series;
  }
}
