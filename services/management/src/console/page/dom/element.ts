export type Child = Node | string | undefined | false;

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with attributes (false and undefined leave them out) and children. Texts become text nodes, never markup. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/** The same for SVG. */
export function s<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(element, attributes, children);
  return element;
}

function fill(element: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== undefined && child !== false) element.append(child);
}

/** A button that does something. */
export function button(label: string, act: () => void, attributes: Attributes = {}, ...children: readonly Child[]): HTMLButtonElement {
  const element = h("button", { type: "button", ...attributes }, ...(children.length > 0 ? children : [label]));
  if (children.length > 0) element.setAttribute("aria-label", label);
  element.addEventListener("click", act);
  return element;
}

/** Sets a text only if it is another one, so that selections and screen readers are left in peace. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** A place whose content is made anew only when what it shows has changed. */
export class Slot {
  readonly element: HTMLElement;
  #shown: string | undefined;

  constructor(className: string) {
    this.element = h("div", { class: className });
  }

  /** `facts` is all that `make` depends on. */
  show(facts: unknown, make: () => readonly Child[]): void {
    const key = JSON.stringify(facts);
    if (key === this.#shown) return;
    this.#shown = key;
    const children = make().filter((child) => child !== undefined && child !== false);
    this.element.replaceChildren(...children);
    this.element.hidden = children.length === 0;
  }
}
