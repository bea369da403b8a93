import type {
  CallContext,
  Event,
  EventServiceServer,
  Handlers,
  ListEventsRequest,
  ListEventsResponse,
  ResponseStream,
  WatchEventsRequest,
  WatchEventsResponse,
} from "@shadowfleet/control-api";
import type { FleetEvent, StoredEvent } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { EVENT_PATTERN_RULE, eventFilter, isEventPattern } from "../events/event-filter.ts";
import type { EventTail } from "../events/event-tail.ts";
import { pageTokenOf, readPage } from "./requests.ts";

/** Events read, or sent in one message, at a time. */
const BATCH = 1_000;
/** Events looked at for one page at most, however few of them are asked for. */
const MAX_LOOKED_AT = 20_000;
const MAX_TYPES = 64;

/** Implements EventService. */
export function eventService({ store }: Pick<ManagementContext, "store">, tail: EventTail, handlers: Handlers): EventServiceServer {
  const service = new EventCalls(store, tail);
  return {
    listEvents: handlers.unary((request) => service.list(request)),
    watchEvents: handlers.serverStream((request, stream, call) => service.watch(request, stream, call)),
  };
}

class EventCalls {
  readonly #store: ManagementContext["store"];
  readonly #tail: EventTail;

  constructor(store: ManagementContext["store"], tail: EventTail) {
    this.#store = store;
    this.#tail = tail;
  }

  async list(request: ListEventsRequest): Promise<ListEventsResponse> {
    const problems = new FieldProblems();
    const { afterId, size } = readPage(request, problems);
    const isWanted = readFilter(request, problems);
    problems.throwIfAny();
    const events: Event[] = [];
    let place = afterId || request.afterEventId;
    for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT && events.length < size; ) {
      const batch = await this.#store.readEvents(place, BATCH);
      for (const event of batch) {
        if (events.length === size) return { events, nextPageToken: pageTokenOf(place), lastEventId: place };
        if (isWanted(event)) events.push(eventMessage(event));
        place = event.id;
      }
      if (batch.length < BATCH) return { events, nextPageToken: "", lastEventId: place };
      lookedAt += batch.length;
    }
    return { events, nextPageToken: pageTokenOf(place), lastEventId: place };
  }

  /** Ends with UNAVAILABLE when the store does not answer. */
  async watch(request: WatchEventsRequest, stream: ResponseStream<WatchEventsResponse>, { signal }: CallContext): Promise<void> {
    const problems = new FieldProblems();
    const isWanted = readFilter(request, problems);
    problems.throwIfAny();
    let place = request.afterEventId || (await this.#tail.lastId());
    // Whoever loses the connection before the first event has a place to go on from.
    await stream.send({ events: [], lastEventId: place });
    while (!signal.aborted) {
      const batch = await this.#tail.next(place, BATCH, signal);
      place = batch.at(-1)?.id ?? place;
      const events = batch.filter(isWanted).map(eventMessage);
      if (events.length > 0) await stream.send({ events, lastEventId: place });
    }
  }
}

function readFilter(
  { types, subject }: { readonly types: readonly string[]; readonly subject: string },
  problems: FieldProblems,
): (event: FleetEvent) => boolean {
  problems.require(types.length <= MAX_TYPES, "types", `must be at most ${MAX_TYPES}`);
  for (const [index, type] of types.slice(0, MAX_TYPES).entries())
    problems.require(isEventPattern(type), `types[${index}]`, EVENT_PATTERN_RULE);
  return eventFilter(types, subject);
}

function eventMessage({ id, type, subject, atMs, details }: StoredEvent): Event {
  return { id, type, subject, time: new Date(atMs), details };
}
