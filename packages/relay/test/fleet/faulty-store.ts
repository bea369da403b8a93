import { FleetError } from "@shadowfleet/runtime";
import { type FleetStore, SqliteStore, type TrafficBatch } from "@shadowfleet/store";

/** What becomes of one call: it works; it is refused; it works and the answer is lost; nothing happens and nobody says so. */
export const FATES = ["works", "refused", "answer lost", "applied, never answers", "never answers"] as const;
export type Fate = (typeof FATES)[number];

/** The real store in memory behind a link that does what a schedule says, call by call; when that is used up, everything works. */
export class FaultyStore implements Pick<FleetStore, "applyTraffic" | "publishSessions"> {
  readonly inner = new SqliteStore({ path: ":memory:" });
  /** Every batch that was sent, in order, repeats included. */
  readonly sent: TrafficBatch[] = [];
  readonly #schedule: Fate[];
  /** While set, overrides the schedule. */
  fate: Fate | undefined;

  constructor(schedule: readonly Fate[] = []) {
    this.#schedule = [...schedule];
  }

  /** How many of them were sent before. */
  get repeats(): number {
    return this.sent.length - new Set(this.sent).size;
  }

  applyTraffic(batch: TrafficBatch): Promise<"applied" | "duplicate"> {
    this.sent.push(batch);
    return this.#through(() => this.inner.applyTraffic(batch));
  }

  publishSessions(...call: Parameters<FleetStore["publishSessions"]>): Promise<void> {
    return this.#through(() => this.inner.publishSessions(...call));
  }

  async #through<T>(call: () => Promise<T>): Promise<T> {
    const fate = this.fate ?? this.#schedule.shift() ?? "works";
    if (fate === "refused") throw new FleetError("STORE_UNAVAILABLE", "as the test wants it");
    if (fate === "never answers") return await new Promise<T>(() => {});
    const answer = await call();
    if (fate === "applied, never answers") return await new Promise<T>(() => {});
    if (fate === "answer lost") throw new FleetError("STORE_UNAVAILABLE", "the answer was lost");
    return answer;
  }
}
