import { ApiError } from "../api/connect.ts";
import { openDialog } from "./dialog.ts";
import { button, type Child, h, setText } from "./element.ts";
import type { TextField } from "./fields.ts";

export interface Question {
  readonly title: string;
  readonly content: readonly Child[];
  /** Checked before anything is sent. */
  readonly fields?: readonly TextField[];
  readonly submit: string;
  readonly isDangerous?: boolean;
  /** What has to be typed to be allowed to go on. */
  readonly typed?: string;
  /** Rejects with ApiError: the dialog stays and says why. */
  readonly act: () => Promise<void>;
}

/** A form in a dialog. Enter sends it, Esc leaves it. */
export function ask({ title, content, fields = [], submit, isDangerous = false, typed, act }: Question): void {
  const problem = h("p", { class: "form-problem", role: "alert" });
  const send = h("button", { type: "submit", class: isDangerous ? "button danger" : "button primary" }, submit);
  const cancel = button("Cancel", () => dialog.close(), { class: "button" });
  const typedInput = typed === undefined ? undefined : typedConfirmation(typed, send);
  const form = h("form", { class: "form" }, ...content, typedInput, problem, h("footer", { class: "form-foot" }, cancel, send));
  // Where nothing is to be written, Enter answers the question; a dangerous one is not answered by accident.
  if (fields.length === 0 && typed === undefined) (isDangerous ? cancel : send).setAttribute("data-autofocus", "");
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = fields.find((field) => !field.check());
    if (wrong) wrong.input.focus();
    if (isBusy || wrong) return;
    isBusy = true;
    send.setAttribute("aria-busy", "true");
    setText(problem, "");
    try {
      await act();
      dialog.close();
    } catch (error) {
      setText(problem, problemText(error));
    }
    isBusy = false;
    send.removeAttribute("aria-busy");
  });
  const dialog = openDialog({ title, kind: "window", content: [form] });
}

function typedConfirmation(typed: string, send: HTMLButtonElement): HTMLElement {
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", "data-autofocus": true, id: "typed" });
  send.disabled = true;
  input.addEventListener("input", () => {
    send.disabled = input.value !== typed;
  });
  return h("div", { class: "field" }, h("label", { for: "typed" }, "To go on, type ", h("b", { class: "id" }, typed)), input);
}

/** What happened, with every wrong field by its name. */
export function problemText(error: unknown): string {
  if (!(error instanceof ApiError)) throw error;
  const fields = error.fields.map(({ field, description }) => `${field.replace(/^access_key\./, "")} ${description}`);
  return [error.message, ...fields].join("\n");
}
