import type { AccessKey } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { button, h } from "../dom/element.ts";
import { icon } from "../dom/icons.ts";
import { ListView } from "../dom/list-view.ts";
import { keyColumns } from "./key-columns.ts";
import { openKey } from "./key-drawer.ts";
import { createKey } from "./key-form.ts";
import { KEY_FILTERS, type KeyFilter, passes, stateOf } from "./key-state.ts";

/** The list of access keys. */
export function keysView(console: Console): ListView<AccessKey> {
  let filter: KeyFilter = "all";
  const choices = (Object.keys(KEY_FILTERS) as KeyFilter[]).map((name) => {
    const choice = button(
      KEY_FILTERS[name],
      () => {
        filter = name;
        for (const one of choices) one.setAttribute("aria-pressed", String(one === choice));
        view.refresh();
      },
      { class: "segment", "aria-pressed": String(name === "all") },
    );
    return choice;
  });
  const create = (): HTMLButtonElement =>
    button("New key", () => createKey(console), { class: "button primary", "aria-keyshortcuts": "n" }, icon("plus"), "New key");
  const view: ListView<AccessKey> = new ListView<AccessKey>({
    label: "Access keys",
    noun: "key",
    columns: keyColumns(console.model),
    idOf: ({ id }) => id,
    textOf: (key) => `${key.id} ${key.displayName ?? ""} ${stateOf(key)[0]}`,
    filter: (key) => passes(key, filter),
    open: (key) => openKey(console, key.id),
    tools: [h("div", { class: "segments", role: "group", "aria-label": "Show" }, ...choices), h("span", { class: "spring" }), create()],
    empty: {
      title: "No access keys yet",
      text: "An access key is what a person puts into a Shadowsocks client. Make the first one; its link and its QR code are shown at once.",
      action: create(),
    },
  });
  return view;
}
