import type { Event } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { type ReadText, repeatableFlag, switchFlag, textFlag, valueFlag } from "../arguments/flag.ts";
import type { FleetConnection } from "../connection/fleet-connection.ts";
import { PAGE_SIZE } from "../connection/pages.ts";
import { untilInterrupted } from "../shell.ts";
import { eventDocument, eventLine, eventTable } from "../views/event-view.ts";

const DEFAULT_LAST = 100;

interface Wanted {
  readonly types: string[];
  readonly subject: string;
  readonly afterEventId: string;
}

const readCount: ReadText<number> = (text) => {
  if (!/^\d{1,6}$/.test(text) || Number(text) === 0) throw new RangeError("expected a number from 1 to 999999");
  return Number(text);
};

export const events = defineCommand({
  name: "events",
  summary: "what happened in the fleet: keys, quotas, upstreams, relays",
  details: `Shows the newest ${DEFAULT_LAST} events, oldest first; with --after all behind one. --follow goes on with those that happen, or shows only them. Management keeps the newest 100,000.`,
  args: {},
  flags: {
    follow: switchFlag("tells of events as they happen, until interrupted", "f"),
    type: repeatableFlag("TYPE", 'only these types, for example key.cut or "key.*"; may be repeated', (text) => text),
    subject: textFlag("ID", "only those of this access key, upstream or relay"),
    after: textFlag("EVENT", "only those after the event of this id"),
    last: valueFlag("N", "only the newest N", readCount),
  },
  examples: ["shadowfleet events", "shadowfleet events --follow --type 'key.*'", "shadowfleet events --after 1790000000000-0 -o json"],
  run: async ({ flags: { follow, type, subject = "", after, last } }, { fleet, output, terminal }) => {
    const wanted: Wanted = { types: [...type], subject, afterEventId: after ?? "" };
    // To follow without more means from now on.
    const isListed = !follow || last !== undefined;
    const listed = isListed
      ? await listEvents(fleet, wanted, last ?? (after === undefined ? DEFAULT_LAST : Number.POSITIVE_INFINITY))
      : undefined;
    if (!follow) {
      const kept = listed?.events ?? [];
      output.answer(
        () => ({ events: kept.map(eventDocument) }),
        () => (kept.length === 0 ? ["There is no such event."] : eventTable(kept)),
      );
      return;
    }
    const show = (event: Event): void =>
      output.next(
        () => eventDocument(event),
        () => [eventLine(event)],
      );
    for (const event of listed?.events ?? []) show(event);
    await untilInterrupted(terminal, async (interrupted) => {
      // Read again for every new connection, which goes on where the one before ended.
      const request = { ...wanted, afterEventId: listed?.lastEventId ?? wanted.afterEventId };
      for await (const { message } of fleet.watch("events", "watchEvents", request, interrupted)) {
        request.afterEventId = message.lastEventId;
        for (const event of message.events) show(event);
      }
    });
  },
});

/** The newest `last` of the kept events, and how far was looked. */
async function listEvents(
  fleet: FleetConnection,
  wanted: Wanted,
  last: number,
): Promise<{ readonly events: readonly Event[]; readonly lastEventId: string }> {
  const found: Event[] = [];
  let lastEventId = wanted.afterEventId;
  let pageToken = "";
  do {
    const page = await fleet.call("events", "listEvents", { ...wanted, pageSize: PAGE_SIZE, pageToken });
    found.push(...page.events);
    if (found.length > last) found.splice(0, found.length - last);
    lastEventId = page.lastEventId;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return { events: found, lastEventId };
}
