import { h, setText } from "./element.ts";
import type { Cell } from "./grid.ts";

/** A line, and a quieter one below it; both quiet where there is nothing to see. */
export function twoLines<Item>(
  read: (item: Item) => readonly [string, string?],
  { isId = false, isQuiet = () => false }: { readonly isId?: boolean; readonly isQuiet?: (item: Item) => boolean } = {},
): Cell<Item> {
  const main = h("span", { class: "main" });
  const sub = h("span", { class: isId ? "sub id" : "sub" });
  return {
    nodes: [main, sub],
    update: (item) => {
      const [first, second = ""] = read(item);
      setText(main, first);
      setText(sub, second);
      main.title = first;
      main.classList.toggle("quiet", isQuiet(item));
    },
  };
}

export type Tone = "ok" | "warn" | "bad" | "idle";

/** A state in one word, with a dot that says how serious it is. */
export class Chip {
  readonly element = h("span", { class: "chip" });

  update(text: string, tone: Tone): void {
    setText(this.element, text);
    this.element.dataset.tone = tone;
  }
}

export function chipCell<Item>(read: (item: Item) => readonly [string, Tone]): Cell<Item> {
  const chip = new Chip();
  return { nodes: [chip.element], update: (item) => chip.update(...read(item)) };
}

/** A bar that is filled as far as something is used. */
export class Meter {
  readonly #bar = h("span", { class: "meter-bar" });
  readonly element = h("span", { class: "meter", role: "meter", "aria-valuemin": 0, "aria-valuemax": 100 }, this.#bar);

  /** `share` is 1 when all is used. */
  update(label: string, share: number, tone: Tone = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "ok"): void {
    const percent = Math.max(0, Math.min(100, share * 100));
    this.element.setAttribute("aria-label", label);
    this.element.setAttribute("aria-valuenow", percent.toFixed(0));
    this.element.dataset.tone = tone;
    this.#bar.style.width = `${percent.toFixed(1)}%`;
  }
}

/** Names and values below each other. */
export function facts(rows: readonly (readonly [string, string | Node | undefined])[]): HTMLElement {
  const lines = rows.filter(([, value]) => value !== undefined && value !== "");
  return h("dl", { class: "facts" }, ...lines.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** A part of a drawer. */
export const part = (title: string, ...content: (Node | string)[]): HTMLElement =>
  h("section", { class: "part" }, h("h3", {}, title), ...content);
