import type { Member } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { ask } from "../dom/ask.ts";
import { Chip, chipCell, facts, part, twoLines } from "../dom/cells.ts";
import { openDialog } from "../dom/dialog.ts";
import { button, h, Slot } from "../dom/element.ts";
import type { Cell } from "../dom/grid.ts";
import { ListView } from "../dom/list-view.ts";
import { toast } from "../dom/toast.ts";
import { countOf } from "../format/amounts.ts";
import { momentText, spanText, whenText } from "../format/moments.ts";
import type { FleetModel } from "../model/fleet-model.ts";
import { isRelay, kindOf, type PortState, portsOf, readinessOf } from "./relay-texts.ts";

const SHOWN_PORTS = 3;

/** Relays and gateways that reported lately. */
export function relaysView(console: Console): ListView<Member> {
  const { model } = console;
  return new ListView<Member>({
    label: "Relays and gateways",
    noun: "member",
    idOf: ({ id }) => id,
    textOf: (member) =>
      `${member.id} ${kindOf(member)} ${readinessOf(member)[0]} ${portsOf(member, model.ports ?? []).map(({ port }) => port)}`,
    open: (member) => openMember(console, member),
    columns: [
      { name: "member", label: "Member", cell: () => twoLines((member) => [member.id, kindOf(member)]) },
      { name: "state", label: "State", cell: () => chipCell(readinessOf) },
      { name: "ports", label: "Ports", cell: () => portsCell(model) },
      {
        name: "sessions",
        label: "Sessions",
        isMostFirst: true,
        compare: (a, b) => (a.sessionCount ?? 0) - (b.sessionCount ?? 0),
        cell: () => twoLines(({ sessionCount = 0 }) => [countOf(sessionCount, "session")]),
      },
      { name: "revision", label: "Configuration", cell: () => twoLines((member) => revisionTexts(member, model)) },
      { name: "uptime", label: "Up for", isNumber: true, cell: () => twoLines((one) => [upFor(one), one.version ?? ""]) },
    ],
    empty: {
      title: "No relay has reported in the last 10 seconds",
      text: "Start tcp-relay and udp-relay with this management's address under fleet.management and a token of the role relay.",
    },
  });
}

export const relaysFirst = (members: readonly Member[]): readonly Member[] =>
  members.toSorted((a, b) => Number(isRelay(b)) - Number(isRelay(a)));

const upFor = ({ startTime }: Member): string => (startTime ? spanText((Date.now() - Date.parse(startTime)) / 1_000) : "");

function revisionTexts({ appliedRevision = "0" }: Member, { fleet }: FleetModel): readonly [string, string] {
  const behind = Number(fleet?.revision ?? 0) - Number(appliedRevision);
  return [behind > 0 ? `${behind} behind` : "up to date", `revision ${appliedRevision}`];
}

function portChip({ port, isBound, error }: PortState): HTMLElement {
  const chip = new Chip();
  chip.update(isBound ? String(port) : `${port} not bound`, isBound ? (error === "" ? "ok" : "warn") : "bad");
  chip.element.title = error;
  return chip.element;
}

function portsCell(model: FleetModel): Cell<Member> {
  const slot = new Slot("chips");
  return {
    nodes: [slot.element],
    update: (member) => {
      if (!isRelay(member)) return slot.show("", () => [h("span", { class: "quiet" }, "chooses upstreams")]);
      // What is wrong comes first.
      const states = portsOf(member, model.ports ?? []).toSorted((a, b) => Number(a.isBound) - Number(b.isBound));
      slot.show(states, () => {
        const rest = states.length - SHOWN_PORTS;
        return [...states.slice(0, SHOWN_PORTS).map(portChip), rest > 0 && h("span", { class: "quiet" }, `and ${rest} more`)];
      });
    },
  };
}

function openMember(console: Console, opened: Member): void {
  const { api, model, refresh } = console;
  const chip = new Chip();
  const about = new Slot("slot");
  const ports = new Slot("slot");
  const drain = (): void =>
    ask({
      title: `Drain ${opened.id}`,
      content: [h("p", {}, "It takes nothing new and lets live sessions go on until they end. To have it back, start the process again.")],
      submit: "Drain",
      isDangerous: true,
      act: async () => {
        await api.call("FleetService", "DrainMember", { id: opened.id });
        refresh();
        toast(`${opened.id} is told to drain`);
      },
    });
  const drainButton = button("Drain…", drain, { class: "button", "data-autofocus": true });
  const update = (): void => {
    const now = model.fleet?.members?.find(({ id }) => id === opened.id);
    const member = now ?? opened;
    chip.update(...(now ? readinessOf(now) : (["Gone", "bad"] as const)));
    drainButton.disabled = !now || (now.draining ?? false);
    about.show([member, Math.floor(Date.now() / 1_000)], () => [
      part(
        "Process",
        facts([
          ["Kind", kindOf(member)],
          ["Sessions", String(member.sessionCount ?? 0)],
          ["Configuration", revisionTexts(member, model).join(", ")],
          ["Started", `${momentText(member.startTime)}, up for ${upFor(member)}`],
          ["Reported", whenText(member.reportTime)],
          ["Version", member.version],
        ]),
      ),
    ]);
    const states = portsOf(member, model.ports ?? []);
    ports.show(states, () => [
      isRelay(member) && part("Ports", states.length > 0 ? portLines(states) : h("p", { class: "hint" }, "It serves none.")),
    ]);
  };
  const closed = new AbortController();
  const content = [h("div", { class: "actions" }, drainButton), about.element, ports.element];
  openDialog({ title: opened.id, kind: "drawer", aside: [chip.element], content, closed: () => closed.abort() });
  update();
  console.onRead(update, closed.signal);
}

function portLines(states: readonly PortState[]): HTMLElement {
  const line = (state: PortState): HTMLElement =>
    h("li", {}, portChip(state), h("span", { class: "quiet" }, state.method), h("span", { class: "end" }, state.error));
  return h("ul", { class: "lines" }, ...states.map(line));
}
