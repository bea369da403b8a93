import type { Session } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { ask } from "../dom/ask.ts";
import { chipCell, facts, part, twoLines } from "../dom/cells.ts";
import { openDialog } from "../dom/dialog.ts";
import { button, h, Slot } from "../dom/element.ts";
import { ListView } from "../dom/list-view.ts";
import { toast } from "../dom/toast.ts";
import { bytesText } from "../format/amounts.ts";
import { momentText } from "../format/moments.ts";
import { compareNames, nameOf } from "../keys/key-state.ts";
import type { FleetModel } from "../model/fleet-model.ts";
import { ageOf, transportOf } from "./session-texts.ts";

const bytesOf = ({ upBytes = "0", downBytes = "0" }: Session): number => Number(upBytes) + Number(downBytes);

function ownerOf({ accessKeyId = "" }: Session, model: FleetModel): string {
  const key = model.key(accessKeyId);
  return key ? nameOf(key) : accessKeyId;
}

/** The live sessions of the fleet. */
export function sessionsView(console: Console): ListView<Session> {
  const { model } = console;
  return new ListView<Session>({
    label: "Live sessions",
    noun: "session",
    idOf: ({ id }) => id,
    textOf: (session) =>
      `${ownerOf(session, model)} ${session.accessKeyId} ${session.clientAddress} ${session.memberId} ${transportOf(session)}`,
    open: (session) => openSession(console, session),
    columns: [
      {
        name: "key",
        label: "Key",
        compare: (a, b) => compareNames(ownerOf(a, model), ownerOf(b, model)),
        cell: () =>
          twoLines((one) => [ownerOf(one, model), model.key(one.accessKeyId ?? "")?.displayName ? (one.accessKeyId ?? "") : ""], {
            isId: true,
          }),
      },
      { name: "over", label: "Over", cell: () => chipCell((one) => [transportOf(one), "idle"]) },
      {
        name: "client",
        label: "Client",
        compare: (a, b) => compareNames(a.clientAddress ?? "", b.clientAddress ?? ""),
        cell: () => twoLines(({ clientAddress = "" }) => [clientAddress]),
      },
      {
        name: "relay",
        label: "Relay",
        compare: (a, b) => compareNames(a.memberId ?? "", b.memberId ?? ""),
        cell: () => twoLines(({ memberId = "", port = 0 }) => [memberId, `port ${port}`]),
      },
      {
        name: "bytes",
        label: "Relayed",
        isMostFirst: true,
        compare: (a, b) => bytesOf(a) - bytesOf(b),
        cell: () =>
          twoLines(({ upBytes = "0", downBytes = "0" }) => [`↓ ${bytesText(Number(downBytes))}`, `↑ ${bytesText(Number(upBytes))}`]),
      },
      {
        name: "age",
        label: "Age",
        isNumber: true,
        compare: (a, b) => Date.parse(a.startTime ?? "") - Date.parse(b.startTime ?? ""),
        cell: () => twoLines((one) => [ageOf(one)]),
      },
    ],
    empty: {
      title: "No live sessions",
      text: "Nobody is connected at the moment. Sessions show up here within two seconds of a client's first byte.",
    },
  });
}

function openSession(console: Console, opened: Session): void {
  const { api, model, refresh } = console;
  let session = opened;
  const end = (): void =>
    ask({
      title: "End this session",
      content: [h("p", {}, `${transportOf(session)} from ${session.clientAddress} ends at once. The client may come back.`)],
      submit: "End session",
      isDangerous: true,
      act: async () => {
        await api.call("SessionService", "TerminateSessions", { sessionId: session.id });
        refresh();
        dialog.close();
        toast("The session ends");
      },
    });
  const about = new Slot("slot");
  const update = (): void => {
    const now = model.sessions?.find(({ id }) => id === opened.id);
    session = now ?? session;
    const { id, memberId, port, clientAddress, startTime, upBytes = "0", downBytes = "0" } = session;
    about.show([session, now === undefined, ageOf(session)], () => [
      now === undefined && h("div", { class: "notice" }, h("p", {}, "This session has ended.")),
      part(
        "Session",
        facts([
          ["Key", ownerOf(session, model)],
          ["Client", clientAddress],
          ["Over", transportOf(session)],
          ["Relay", `${memberId}, port ${port}`],
          ["Began", `${momentText(startTime)}, ${ageOf(session)} ago`],
          ["Down", bytesText(Number(downBytes))],
          ["Up", bytesText(Number(upBytes))],
          ["Id", h("span", { class: "id" }, id)],
        ]),
      ),
    ]);
  };
  const closed = new AbortController();
  const endButton = button("End session…", end, { class: "button", "data-autofocus": true });
  const content = [h("div", { class: "actions" }, endButton), about.element];
  const dialog = openDialog({ title: ownerOf(session, model), kind: "drawer", content, closed: () => closed.abort() });
  update();
  console.onRead(update, closed.signal);
}
