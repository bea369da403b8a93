import { button, type Child, h } from "./element.ts";
import { icon } from "./icons.ts";

let count = 0;

export interface DialogOptions {
  readonly title: string;
  /** "drawer" comes from the side, "window" stands in the middle. */
  readonly kind: "drawer" | "window";
  readonly content: readonly Child[];
  /** Beside the title. */
  readonly aside?: readonly Child[];
  readonly closed?: () => void;
}

/** Opens a modal dialog; Esc, its cross and a click beside it close it, and the browser gives focus back to where it was. */
export function openDialog({ title, kind, content, aside = [], closed }: DialogOptions): HTMLDialogElement {
  const titleId = `dialog-${++count}`;
  const cross = button("Close", () => dialog.close(), { class: "icon-button dialog-close" }, icon("close"));
  const heading = h("h2", { id: titleId, tabindex: -1 }, title);
  const head = h("header", { class: "dialog-head" }, heading, ...aside, cross);
  const dialog = h("dialog", { class: kind, "aria-labelledby": titleId }, head, h("div", { class: "dialog-body" }, ...content));
  // A press that began inside, for example of somebody who selects text, does not close.
  let pressedBeside = false;
  dialog.addEventListener("pointerdown", (event) => {
    pressedBeside = event.target === dialog;
  });
  dialog.addEventListener("click", (event) => {
    if (kind === "drawer" && pressedBeside && event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  const first = dialog.querySelector<HTMLElement>("[data-autofocus]") ?? heading;
  first.focus();
  return dialog;
}

export const isDialogOpen = (): boolean => document.querySelector("dialog[open]") !== null;
