import { openDialog } from "../dom/dialog.ts";
import { h } from "../dom/element.ts";

const SHORTCUTS: readonly (readonly [string, string])[] = [
  ["/", "Search"],
  ["↑ ↓ or k j", "Move in the list"],
  ["Page, Home, End", "Move far"],
  ["Enter", "Open details"],
  ["n", "New key, or new upstream"],
  ["1 to 5", "Keys, Sessions, Relays, Upstreams, Events"],
  ["t", "Theme: system, light, dark"],
  ["?", "This list"],
  ["Esc", "Close, or clear the search"],
];

export function showShortcuts(): void {
  const rows = SHORTCUTS.flatMap(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)]);
  openDialog({ title: "Keyboard shortcuts", kind: "window", content: [h("dl", { class: "facts shortcuts" }, ...rows)] });
}
