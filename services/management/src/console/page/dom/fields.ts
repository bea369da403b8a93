import { h, setText } from "./element.ts";

/** What a text means, or why it means nothing. */
export type Reading = { readonly note: string } | { readonly problem: string };

export interface FieldOptions {
  readonly label: string;
  readonly value?: string;
  readonly placeholder?: string;
  /** Shown while there is no note. */
  readonly hint?: string;
  readonly maxLength?: number;
  readonly isSecret?: boolean;
  readonly isFirst?: boolean;
  /** Says below the field how a text is understood. */
  readonly read?: (text: string) => Reading;
  readonly changed?: (text: string) => void;
}

let count = 0;

/** A labelled line of text that says how it is understood while it is written. */
export class TextField {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly #note: HTMLElement;
  readonly #options: FieldOptions;

  constructor(options: FieldOptions) {
    const { label, value = "", placeholder, maxLength, isSecret, isFirst, changed } = options;
    const id = `field-${++count}`;
    this.#options = options;
    this.input = h("input", {
      id,
      type: isSecret ? "password" : "text",
      placeholder,
      maxlength: maxLength,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": `${id}-note`,
      "data-autofocus": isFirst,
    });
    this.input.value = value;
    this.#note = h("span", { id: `${id}-note`, class: "field-note" });
    this.element = h("div", { class: "field" }, h("label", { for: id }, label), this.input, this.#note);
    this.input.addEventListener("input", () => {
      this.check();
      changed?.(this.value);
    });
    this.check();
  }

  get value(): string {
    return this.input.value.trim();
  }

  set value(text: string) {
    this.input.value = text;
    this.check();
  }

  /** False, and said, when the text means nothing. An empty one is fine. */
  check(): boolean {
    const reading = this.value === "" ? undefined : this.#options.read?.(this.value);
    const isWrong = reading !== undefined && "problem" in reading;
    if (isWrong) this.refuse(reading.problem);
    else this.#say(reading?.note ?? this.#options.hint ?? "", false);
    return !isWrong;
  }

  refuse(problem: string): void {
    this.#say(problem, true);
  }

  #say(text: string, isWrong: boolean): void {
    setText(this.#note, text);
    this.#note.classList.toggle("field-problem", isWrong);
    this.input.setAttribute("aria-invalid", String(isWrong));
  }
}

/** A labelled choice of one out of few. */
export class ChoiceField<Value extends string> {
  readonly element: HTMLElement;
  readonly select: HTMLSelectElement;

  constructor(label: string, choices: readonly (readonly [Value, string])[], value: Value, changed?: (value: Value) => void) {
    const id = `field-${++count}`;
    const options = choices.map(([name, text]) => h("option", { value: name, selected: name === value }, text));
    this.select = h("select", { id }, ...options);
    this.element = h("div", { class: "field" }, h("label", { for: id }, label), this.select);
    this.select.addEventListener("change", () => changed?.(this.value));
  }

  get value(): Value {
    return this.select.value as Value;
  }

  set value(value: Value) {
    this.select.value = value;
  }
}
