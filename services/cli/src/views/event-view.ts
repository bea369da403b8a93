import type { Event } from "@shadowfleet/control-api";
import type { Document } from "../output/document.ts";
import { tableLines } from "../output/table.ts";
import { printable } from "../output/text-width.ts";
import { formatTime } from "../output/times.ts";

export function eventDocument({ id, type, subject, time, details = {} }: Event): Document {
  return { id, type, subject, time: time ?? null, details: details as Document };
}

export function eventTable(events: readonly Event[]): string[] {
  return tableLines(
    [{ title: "TIME" }, { title: "TYPE" }, { title: "SUBJECT" }, { title: "ID" }, { title: "DETAILS" }],
    events.map(cellsOf),
  );
}

/** The same cells on a line of its own, for events that come one by one. */
export function eventLine(event: Event): string {
  return cellsOf(event).map(printable).join("  ").trimEnd();
}

function cellsOf({ id, type, subject, time, details = {} }: Event): string[] {
  const more = Object.entries(details).flatMap(([name, value]) => (value === "" ? [] : [`${name}=${String(value)}`]));
  return [time ? formatTime(time) : "-", type, subject, id, more.join(" ")];
}
