import { isDeclared, type Upstream } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { ask } from "../dom/ask.ts";
import { Chip, chipCell, facts, Meter, part, type Tone, twoLines } from "../dom/cells.ts";
import { openDialog } from "../dom/dialog.ts";
import { button, h, Slot, setText } from "../dom/element.ts";
import { TextField } from "../dom/fields.ts";
import type { Cell } from "../dom/grid.ts";
import { icon } from "../dom/icons.ts";
import { ListView } from "../dom/list-view.ts";
import { toast } from "../dom/toast.ts";
import { whenText } from "../format/moments.ts";
import type { FleetModel } from "../model/fleet-model.ts";

const nameOf = ({ displayName = "", id }: Upstream): string => displayName || id;
const addressOf = ({ host = "", port = 0 }: Upstream): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
/** Where failCnt stops. */
const MAX_FAIL_COUNT = 30;

/** The circuit: closed lets requests through, open only one in so many. */
function circuitOf({ failCount = 0 }: Upstream): readonly [string, Tone] {
  if (failCount === 0) return ["Closed", "ok"];
  return failCount >= MAX_FAIL_COUNT ? ["Open", "bad"] : ["Open", "warn"];
}

const percent = (share = 0): string => (share > 0 && share < 0.01 ? "under 1 %" : `${Math.round(share * 100)} %`);

/** What gateways send traffic to. */
export function upstreamsView(console: Console): ListView<Upstream> {
  const { model } = console;
  const add = (): HTMLButtonElement =>
    button("Add upstream", () => addUpstream(console), { class: "button primary", "aria-keyshortcuts": "n" }, icon("plus"), "Add upstream");
  return new ListView<Upstream>({
    label: "Upstreams",
    noun: "upstream",
    idOf: ({ id }) => id,
    textOf: (upstream) => `${upstream.id} ${nameOf(upstream)} ${addressOf(upstream)} ${circuitOf(upstream)[0]}`,
    open: (upstream) => openUpstream(console, upstream),
    tools: [h("span", { class: "spring" }), add()],
    columns: [
      { name: "upstream", label: "Upstream", cell: () => twoLines((one) => [nameOf(one), addressOf(one)]) },
      { name: "state", label: "Circuit", cell: () => chipCell(circuitOf) },
      { name: "fails", label: "failCnt", isMostFirst: true, compare: (a, b) => (a.failCount ?? 0) - (b.failCount ?? 0), cell: failsCell },
      {
        name: "first",
        label: "Tried first",
        cell: () => twoLines(({ id }) => [percent(model.explanations.get(id)?.firstTryProbability), "of requests"]),
      },
      { name: "why", label: "Why", cell: () => twoLines(({ id }) => [model.explanations.get(id)?.reason ?? ""]) },
    ],
    empty: {
      title: "No upstreams",
      text: "Upstreams are the relays that gateways of this fleet send traffic to. A fleet without gateways needs none.",
      action: add(),
    },
  });
}

function failsCell(): Cell<Upstream> {
  const meter = new Meter();
  const main = h("span", { class: "main" });
  const sub = h("span", { class: "sub" });
  return {
    nodes: [h("span", { class: "usage-line" }, main, sub), meter.element],
    update: ({ failCount = 0, failCountTime, id }) => {
      setText(main, String(failCount));
      setText(sub, failCountTime ? whenText(failCountTime) : "");
      meter.element.classList.toggle("meter-none", failCount === 0);
      meter.update(`failCnt of ${id}`, failCount / MAX_FAIL_COUNT, "warn");
    },
  };
}

export function addUpstream({ api, refresh }: Console): void {
  const uri = new TextField({
    label: "ss:// link",
    placeholder: "ss://…",
    hint: "As a relay's access key has it",
    isFirst: true,
    read: (text) => (text.startsWith("ss://") ? { note: "Management reads it" } : { problem: "Begins with ss://" }),
  });
  const name = new TextField({ label: "Name", hint: "For people to read" });
  const requestId = crypto.randomUUID();
  ask({
    title: "Add an upstream",
    content: [h("p", {}, "It is put at the end of the order in which gateways try upstreams."), uri.element, name.element],
    fields: [uri, name],
    submit: "Add upstream",
    act: async () => {
      const request = { accessUri: uri.value, upstream: { displayName: name.value }, requestId };
      await api.call("UpstreamService", "CreateUpstream", request);
      refresh();
      toast("The upstream is added");
    },
  });
}

function openUpstream(console: Console, opened: Upstream): void {
  const { api, model, refresh } = console;
  const chip = new Chip();
  const about = new Slot("slot");
  const reset = async (): Promise<void> => {
    await api.call("UpstreamService", "ResetCircuit", { id: opened.id });
    refresh();
    toast(`failCnt of ${nameOf(opened)} is 0`);
  };
  const askReset = (): void =>
    ask({
      title: `Reset the circuit of ${nameOf(opened)}`,
      content: [h("p", {}, "failCnt becomes 0 on all gateways: they try it again as if it had never failed.")],
      submit: "Reset circuit",
      act: reset,
    });
  const remove = (): void =>
    ask({
      title: `Remove ${nameOf(opened)}`,
      content: [h("p", {}, "Gateways send nothing new to it. Connections through it go on.")],
      submit: "Remove upstream",
      isDangerous: true,
      act: async () => {
        await api.call("UpstreamService", "DeleteUpstream", { id: opened.id });
        refresh();
        dialog.close();
        toast(`${nameOf(opened)} is removed`);
      },
    });
  const resetButton = button("Reset circuit…", askReset, { class: "button primary", "data-autofocus": true });
  const removeButton = button("Remove…", remove, { class: "button danger-quiet" });
  const update = (): void => {
    const upstream = model.upstreams?.find(({ id }) => id === opened.id) ?? opened;
    const why = model.explanations.get(opened.id);
    chip.update(...circuitOf(upstream));
    resetButton.disabled = (upstream.failCount ?? 0) === 0;
    removeButton.disabled = isDeclared(upstream);
    about.show([upstream, why, Math.floor(Date.now() / 10_000)], () => [upstreamPart(upstream, model)]);
  };
  const closed = new AbortController();
  const content = [h("div", { class: "actions" }, resetButton, removeButton), about.element];
  const dialog = openDialog({ title: nameOf(opened), kind: "drawer", aside: [chip.element], content, closed: () => closed.abort() });
  update();
  console.onRead(update, closed.signal);
}

function upstreamPart(upstream: Upstream, { explanations }: FleetModel): HTMLElement {
  const { failCount = 0, failCountTime, method, udpHost, id } = upstream;
  const why = explanations.get(id);
  return part(
    "Upstream",
    facts([
      ["Address", addressOf(upstream)],
      ["UDP goes to", udpHost],
      ["Method", method],
      ["failCnt", failCountTime ? `${failCount}, changed ${whenText(failCountTime)}` : String(failCount)],
      ["Tried first", `${percent(why?.firstTryProbability)} of requests`],
      ["Why", why?.reason],
      ["Declared", isDeclared(upstream) ? "in management's configuration file" : ""],
      ["Id", h("span", { class: "id" }, id)],
    ]),
  );
}
