/** Totals reach the store once a second, so a rate is taken over several of them. */
const WINDOW_MS = 6_000;
const KEPT = 60;

interface Sample {
  readonly atMs: number;
  readonly up: number;
  readonly down: number;
}

/** Bytes a second, out of totals that are read now and then. */
export class RateMeter {
  /** Both directions together, oldest first, one entry a reading. */
  readonly history: number[] = [];
  readonly upHistory: number[] = [];
  readonly downHistory: number[] = [];
  up = 0;
  down = 0;
  readonly #samples: Sample[] = [];

  add(atMs: number, { up, down }: { readonly up: number; readonly down: number }): void {
    const samples = this.#samples;
    const last = samples.at(-1);
    // Totals that fell are another store's.
    if (last && (up < last.up || down < last.down)) samples.length = 0;
    samples.push({ atMs, up, down });
    while (samples.length > 2 && atMs - samples[1]!.atMs >= WINDOW_MS) samples.shift();
    const first = samples[0]!;
    const seconds = (atMs - first.atMs) / 1_000;
    this.up = seconds > 0 ? (up - first.up) / seconds : 0;
    this.down = seconds > 0 ? (down - first.down) / seconds : 0;
    // One reading alone is no rate yet.
    if (samples.length < 2) return;
    keep(this.upHistory, this.up);
    keep(this.downHistory, this.down);
    keep(this.history, this.up + this.down);
  }
}

function keep(history: number[], value: number): void {
  history.push(value);
  if (history.length > KEPT) history.shift();
}
