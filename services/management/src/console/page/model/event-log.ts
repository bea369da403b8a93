import type { Api } from "../api/connect.ts";
import type { FleetEvent } from "../api/messages.ts";

const PAGE_SIZE = 1_000;
/** The newest so many are shown. */
const KEPT = 1_000;
/** The rest comes with the next reading. */
const MAX_PAGES_A_READING = 10;

interface Answer {
  readonly events?: FleetEvent[];
  readonly nextPageToken?: string;
  readonly lastEventId?: string;
}

/** The newest events, newest first. Each reading asks only for what came since. */
export class EventLog {
  events: readonly FleetEvent[] | undefined;
  readonly #api: Api;
  #afterEventId = "";

  constructor(api: Api) {
    this.#api = api;
  }

  async read(): Promise<void> {
    const found: FleetEvent[] = [];
    for (let page = 0; page < MAX_PAGES_A_READING; page++) {
      const request = { pageSize: PAGE_SIZE, afterEventId: this.#afterEventId };
      const { events = [], nextPageToken = "", lastEventId } = await this.#api.call<Answer>("EventService", "ListEvents", request);
      found.push(...events);
      this.#afterEventId = lastEventId ?? this.#afterEventId;
      if (nextPageToken === "") break;
    }
    const known = new Set(this.events?.map(({ id }) => id));
    const fresh = found.filter(({ id }) => !known.has(id)).reverse();
    this.events = [...fresh, ...(this.events ?? [])].slice(0, KEPT);
  }
}
