import { button, h, setAttribute } from "./element.ts";

/** The content of a cell that follows its item. */
export interface Cell<Item> {
  readonly nodes: readonly Node[];
  update(item: Item): void;
}

export interface Column<Item> {
  readonly name: string;
  readonly label: string;
  /** Numbers stand at the end. */
  readonly isNumber?: boolean;
  /** Makes the column sortable: ascending. */
  readonly compare?: (a: Item, b: Item) => number;
  /** The most comes first at a first press, the least at a second. */
  readonly isMostFirst?: boolean;
  readonly cell: () => Cell<Item>;
}

export interface GridOptions<Item> {
  readonly label: string;
  readonly columns: readonly Column<Item>[];
  readonly idOf: (item: Item) => string;
  readonly open: (item: Item) => void;
}

interface Row<Item> {
  readonly element: HTMLElement;
  readonly cells: readonly Cell<Item>[];
}

const OVERSCAN = 8;
let gridCount = 0;

/**
 * A table of any length: only the rows that are seen exist. The grid itself has the focus and points at the active row
 * (aria-activedescendant), so that focus survives rows that come and go.
 */
export class Grid<Item> {
  readonly element: HTMLElement;
  readonly #options: GridOptions<Item>;
  readonly #name = `grid-${++gridCount}`;
  readonly #body: HTMLElement;
  readonly #headers: ReadonlyMap<string, HTMLElement>;
  readonly #rows = new Map<string, Row<Item>>();
  #given: readonly Item[] = [];
  #items: readonly Item[] = [];
  #sort: { readonly column: Column<Item>; readonly isDescending: boolean } | undefined;
  #activeId: string | undefined;
  #order = "";

  constructor(options: GridOptions<Item>) {
    this.#options = options;
    this.#headers = new Map(options.columns.map((column) => [column.name, this.#header(column)]));
    const head = h("div", { class: "grid-head", role: "row", "aria-rowindex": 1 }, ...this.#headers.values());
    this.#body = h("div", { class: "grid-body", role: "rowgroup" });
    this.element = h(
      "div",
      { class: "grid", role: "grid", tabindex: 0, "aria-label": options.label },
      h("div", { class: "grid-top", role: "rowgroup" }, head),
      this.#body,
    );
    this.element.addEventListener("scroll", () => this.#render(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.#body.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#render()).observe(this.element);
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  setItems(items: readonly Item[]): void {
    this.#given = items;
    const compare = this.#sort?.column.compare;
    const sorted = compare ? items.toSorted(compare) : items;
    this.#items = this.#sort?.isDescending ? sorted.toReversed() : sorted;
    this.#render();
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  /** Moves the active row; with none active it begins before the first. */
  move(by: number): void {
    const { idOf } = this.#options;
    const now = this.#items.findIndex((item) => idOf(item) === this.#activeId);
    const next = this.#items[Math.max(0, Math.min(this.#items.length - 1, now + by))];
    if (next === undefined) return;
    this.#activeId = idOf(next);
    this.#reveal(this.#items.indexOf(next));
    this.#render();
  }

  #header(column: Column<Item>): HTMLElement {
    const { name, label, compare, isNumber } = column;
    const content = compare ? button(label, () => this.#sortBy(column), { class: "sort" }) : h("span", {}, label);
    return h("div", { class: `cell cell-${name}${isNumber ? " cell-number" : ""}`, role: "columnheader" }, content);
  }

  #sortBy(column: Column<Item>): void {
    const first = column.isMostFirst ?? false;
    const isSame = this.#sort?.column === column;
    const isSecond = isSame && this.#sort?.isDescending !== first;
    this.#sort = isSecond ? undefined : { column, isDescending: isSame ? !first : first };
    for (const [name, header] of this.#headers) {
      const direction = this.#sort?.isDescending ? "descending" : "ascending";
      setAttribute(header, "aria-sort", this.#sort?.column.name === name ? direction : undefined);
    }
    this.setItems(this.#given);
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.#bodyHeight / this.#rowHeight) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      j: 1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      Home: -this.#items.length,
      End: this.#items.length,
    };
    const step = steps[event.key];
    if (step !== undefined) this.move(step);
    else if (event.key === "Enter" && this.#activeId !== undefined) this.#open(this.#activeId);
    else return;
    event.preventDefault();
  }

  #click(event: Event): void {
    const row = (event.target as Element).closest<HTMLElement>("[data-id]");
    // Who selects a text of the row does not want it opened.
    if (!row || getSelection()?.isCollapsed === false) return;
    this.#activeId = row.dataset.id;
    this.element.focus({ preventScroll: true });
    this.#render();
    this.#open(row.dataset.id ?? "");
  }

  #open(id: string): void {
    const item = this.#items.find((one) => this.#options.idOf(one) === id);
    if (item !== undefined) this.#options.open(item);
  }

  get #rowHeight(): number {
    return Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--row-height")) || 52;
  }

  get #bodyHeight(): number {
    return this.element.clientHeight - this.#body.offsetTop;
  }

  #reveal(index: number): void {
    const top = index * this.#rowHeight;
    const { scrollTop } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.#rowHeight > scrollTop + this.#bodyHeight) this.element.scrollTop = top + this.#rowHeight - this.#bodyHeight;
  }

  #render(): void {
    const { idOf } = this.#options;
    const height = this.#rowHeight;
    this.#body.style.height = `${this.#items.length * height}px`;
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - OVERSCAN);
    const last = Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + OVERSCAN;
    const seen = this.#items.slice(first, last);
    const ids = new Set(seen.map(idOf));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    const elements = seen.map((item, offset) => this.#show(item, first + offset, height));
    const order = JSON.stringify([...ids]);
    if (order !== this.#order) this.#body.replaceChildren(...elements);
    this.#order = order;
    setAttribute(this.element, "aria-rowcount", String(this.#items.length + 1));
    const active = this.#activeId !== undefined ? this.#rows.get(this.#activeId)?.element.id : undefined;
    setAttribute(this.element, "aria-activedescendant", active);
  }

  #show(item: Item, index: number, height: number): HTMLElement {
    const id = this.#options.idOf(item);
    const row = this.#rows.get(id) ?? this.#create(id);
    this.#rows.set(id, row);
    for (const cell of row.cells) cell.update(item);
    row.element.style.transform = `translateY(${index * height}px)`;
    setAttribute(row.element, "aria-rowindex", String(index + 2));
    setAttribute(row.element, "aria-selected", String(id === this.#activeId));
    return row.element;
  }

  #create(id: string): Row<Item> {
    const cells = this.#options.columns.map((column) => ({ column, cell: column.cell() }));
    const elements = cells.map(({ column: { name, isNumber }, cell }) =>
      h("div", { class: `cell cell-${name}${isNumber ? " cell-number" : ""}`, role: "gridcell" }, ...cell.nodes),
    );
    const element = h("div", { class: "row", role: "row", id: `${this.#name}-${id}`, "data-id": id }, ...elements);
    return { element, cells: cells.map(({ cell }) => cell) };
  }
}
