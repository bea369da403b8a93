import type { FleetEvent } from "../api/messages.ts";
import { chipCell, facts, part, type Tone, twoLines } from "../dom/cells.ts";
import { openDialog } from "../dom/dialog.ts";
import { h } from "../dom/element.ts";
import { ListView } from "../dom/list-view.ts";
import { bytesText } from "../format/amounts.ts";
import { momentText, whenText } from "../format/moments.ts";

const WORDS: readonly (readonly [RegExp, string, Tone])[] = [
  [/^key\.quota\.100$/, "Quota used up", "bad"],
  [/^key\.quota\./, "Quota nearly used", "warn"],
  [/^key\.cut$/, "Key cut", "bad"],
  [/^key\.expired$/, "Key expired", "warn"],
  [/^key\.created$/, "Key created", "ok"],
  [/^key\.changed$/, "Key changed", "idle"],
  [/^key\.rotated$/, "Secret rotated", "idle"],
  [/^key\.deleted$/, "Key deleted", "idle"],
  [/^upstream\.down$/, "Upstream down", "bad"],
  [/^upstream\.up$/, "Upstream up", "ok"],
  [/^relay\.joined$/, "Relay joined", "ok"],
  [/^relay\.left$/, "Relay left", "warn"],
];

function wordsOf({ type = "" }: FleetEvent): readonly [string, Tone] {
  const [, words, tone] = WORDS.find(([pattern]) => pattern.test(type)) ?? [/./, type, "idle"];
  return [words, tone];
}

/** Names in words, bytes in units. */
const detailsOf = ({ details = {} }: FleetEvent): (readonly [string, string])[] =>
  Object.entries(details).map(([name, value]) => {
    const isBytes = name.endsWith("Bytes") && typeof value === "number";
    const words = name.replace(isBytes ? /Bytes$/ : "", "").replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return [words, isBytes ? bytesText(value) : typeof value === "object" ? JSON.stringify(value) : String(value)];
  });

const detailText = (event: FleetEvent): string =>
  detailsOf(event)
    .map((detail) => detail.join(" "))
    .join(", ");

/** What happened in the fleet, newest first. */
export function eventsView(): ListView<FleetEvent> {
  return new ListView<FleetEvent>({
    label: "Events",
    noun: "event",
    idOf: ({ id }) => id,
    textOf: (event) => `${event.type} ${wordsOf(event)[0]} ${event.subject} ${detailText(event)}`,
    open: openEvent,
    columns: [
      { name: "time", label: "When", cell: () => twoLines(({ time }) => [whenText(time), momentText(time)]) },
      { name: "state", label: "What", cell: () => chipCell(wordsOf) },
      { name: "subject", label: "To whom", cell: () => twoLines(({ subject = "" }) => [subject]) },
      { name: "details", label: "Details", cell: () => twoLines((event) => [detailText(event)]) },
    ],
    empty: {
      title: "Nothing has happened yet",
      text: "Keys that are made, rotated or used up, upstreams that fail and relays that come and go are told here.",
    },
  });
}

function openEvent(event: FleetEvent): void {
  const { type, subject, time, id } = event;
  const about = part(
    "Event",
    facts([["What", type], ["To whom", subject], ["When", momentText(time)], ...detailsOf(event), ["Id", h("span", { class: "id" }, id)]]),
  );
  openDialog({ title: wordsOf(event)[0], kind: "drawer", content: [about] });
}
