import type { Session } from "../api/messages.ts";
import { h } from "../dom/element.ts";
import { bytesText } from "../format/amounts.ts";
import { spanText } from "../format/moments.ts";

export const transportOf = ({ transport }: Session): string => (transport === "TRANSPORT_UDP" ? "UDP" : "TCP");

export const ageOf = ({ startTime }: Session): string =>
  startTime === undefined ? "" : spanText((Date.now() - Date.parse(startTime)) / 1_000);

/** A session in one line: where from, over what, how much. */
export function sessionLine(session: Session): HTMLElement[] {
  const { clientAddress = "", memberId = "", upBytes = "0", downBytes = "0" } = session;
  return [
    h("span", { class: "id" }, clientAddress),
    h("span", { class: "quiet" }, `${transportOf(session)} on ${memberId}, ${ageOf(session)}`),
    h("span", { class: "end" }, `↓ ${bytesText(Number(downBytes))}  ↑ ${bytesText(Number(upBytes))}`),
  ];
}
