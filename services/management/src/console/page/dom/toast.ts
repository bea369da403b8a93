import { h } from "./element.ts";

const SHOWN_MS = 5_000;
const region = h("div", { class: "toasts", role: "status", "aria-live": "polite", popover: "manual" });

/** Says what was done, for a few seconds, above everything else. */
export function toast(text: string): void {
  if (!region.isConnected) document.body.append(region);
  const line = h("p", { class: "toast" }, text);
  region.append(line);
  // Shown anew it is above a dialog that was opened since.
  if (region.matches(":popover-open")) region.hidePopover();
  region.showPopover();
  setTimeout(() => {
    line.remove();
    if (region.childElementCount === 0) region.hidePopover();
  }, SHOWN_MS);
}
