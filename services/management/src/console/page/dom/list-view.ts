import { countOf } from "../format/amounts.ts";
import { type Child, h, setText } from "./element.ts";
import { Grid, type GridOptions } from "./grid.ts";
import { icon } from "./icons.ts";

export interface ListOptions<Item> extends GridOptions<Item> {
  readonly noun: string;
  /** What a search looks at. */
  readonly textOf: (item: Item) => string;
  /** Between the search box and the count. */
  readonly tools?: readonly Child[];
  /** Shown when there is nothing at all: what that means and what to do. */
  readonly empty: { readonly title: string; readonly text: string; readonly action?: HTMLElement };
  /** Narrows the list besides the search. */
  readonly filter?: (item: Item) => boolean;
}

/** A section of the console: a search box, the list, and what is said when there is nothing to list. */
export class ListView<Item> {
  readonly element: HTMLElement;
  readonly #options: ListOptions<Item>;
  readonly #grid: Grid<Item>;
  readonly #search: HTMLInputElement;
  readonly #count = h("span", { class: "count", role: "status" });
  readonly #nothing = h("div", { class: "nothing", hidden: true });
  #items: readonly Item[] | undefined;

  constructor(options: ListOptions<Item>) {
    this.#options = options;
    this.#grid = new Grid(options);
    const label = `Search ${options.noun}s`;
    this.#search = h("input", { type: "search", class: "search", placeholder: label, "aria-label": label, "aria-keyshortcuts": "/" });
    const box = h("div", { class: "search-box" }, icon("search"), this.#search, h("kbd", { "aria-hidden": "true" }, "/"));
    const tools = h("div", { class: "tools" }, box, ...(options.tools ?? []), this.#count);
    this.element = h(
      "section",
      { class: `view view-${options.noun}`, "aria-label": options.label },
      tools,
      this.#grid.element,
      this.#nothing,
    );
    this.#search.addEventListener("input", () => this.refresh());
    this.#search.addEventListener("keydown", (event) => this.#searchKey(event));
    this.refresh();
  }

  update(items: readonly Item[] | undefined): void {
    this.#items = items;
    this.refresh();
  }

  /** Shows the same items again, as the search and the filter have it now. */
  refresh(): void {
    const { textOf, filter = () => true, noun } = this.#options;
    const words = this.#search.value.toLowerCase().split(/\s+/);
    const isSearched = (item: Item): boolean => {
      const text = textOf(item).toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const all = this.#items ?? [];
    const shown = all.filter((item) => filter(item) && isSearched(item));
    this.#grid.element.hidden = shown.length === 0;
    this.#grid.setItems(shown);
    setText(this.#count, shown.length === all.length ? countOf(all.length, noun) : `${shown.length} of ${countOf(all.length, noun)}`);
    this.#count.hidden = this.#items === undefined;
    this.#sayNothing(shown.length > 0 ? undefined : this.#items === undefined ? "reading" : all.length === 0 ? "empty" : "unmatched");
  }

  focusSearch(): void {
    this.#search.focus();
    this.#search.select();
  }

  focusList(): void {
    if (!this.#grid.element.hidden) this.#grid.focus();
  }

  /** Arrow keys work from anywhere on the page. */
  move(by: number): void {
    this.focusList();
    this.#grid.move(by);
  }

  #searchKey(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      this.#search.value = "";
      this.refresh();
      this.focusList();
    } else if (event.key === "ArrowDown" || event.key === "Enter") this.move(1);
    else return;
    event.preventDefault();
  }

  #sayNothing(why: "reading" | "empty" | "unmatched" | undefined): void {
    this.#nothing.hidden = why === undefined;
    if (this.#nothing.dataset.why === why) return;
    this.#nothing.dataset.why = why ?? "";
    const { title, text, action } = this.#options.empty;
    const says: Readonly<Record<string, readonly Child[]>> = {
      reading: [h("p", {}, "Reading…")],
      empty: [h("h2", {}, title), h("p", {}, text), action],
      unmatched: [h("h2", {}, "Nothing matches"), h("p", {}, "Esc in the search box clears it.")],
    };
    this.#nothing.replaceChildren(...((says[why ?? ""] ?? []).filter(Boolean) as (Node | string)[]));
  }
}
