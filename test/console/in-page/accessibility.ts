// Runs inside the page: what somebody who cannot see it well, or uses no mouse, would stumble over.

const CONTROLS = 'a[href], button, input, select, [role="grid"], [role="meter"], [role="textbox"], svg[role="img"], img, dialog';
/** WCAG 2.2, 2.5.8. */
const LEAST_TARGET = 24;
/** WCAG 2.2, 1.4.3: of text, and of large text. */
const LEAST_CONTRAST = 4.5;

// biome-ignore lint/correctness/noUnusedVariables: called by name from outside.
function problemsOfPage(): string[] {
  const dialogs = document.querySelectorAll("dialog[open]");
  // What is below a modal dialog is out of reach.
  const root: Element = dialogs.item(dialogs.length - 1) ?? document.body;
  return [...namesMissing(root), ...brokenReferences(), ...smallTargets(root), ...faintTexts(root), ...pageProblems()];
}

const isSeen = (element: Element): boolean => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

function describe(element: Element): string {
  return `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> ${(element.textContent ?? "").slice(0, 40)}`;
}

function nameOf(element: Element): string {
  const labelledBy = element.getAttribute("aria-labelledby");
  const label = element.id && document.querySelector(`label[for="${element.id}"]`)?.textContent;
  const byId = labelledBy && document.getElementById(labelledBy)?.textContent;
  const own = element.matches("a, button, [role=gridcell]") ? element.textContent : "";
  return (byId || element.getAttribute("aria-label") || label || own || "").trim();
}

function namesMissing(root: Element): string[] {
  const controls = [root, ...root.querySelectorAll(CONTROLS)].filter((element) => element.matches(CONTROLS) && isSeen(element));
  const unnamed = controls.filter((element) => (element.tagName === "IMG" ? !element.hasAttribute("alt") : nameOf(element) === ""));
  return unnamed.map((element) => `no accessible name: ${describe(element)}`);
}

function brokenReferences(): string[] {
  const problems: string[] = [];
  for (const name of ["aria-labelledby", "aria-describedby", "aria-activedescendant", "for"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      if (!document.getElementById(element.getAttribute(name) ?? "")) problems.push(`${name} of nothing: ${describe(element)}`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
  return [...problems, ...twice.map((id) => `id ${id} twice`)];
}

function smallTargets(root: Element): string[] {
  return [...root.querySelectorAll("a[href], button, input, select")].filter(isSeen).flatMap((element) => {
    const { width, height } = element.getBoundingClientRect();
    return Math.min(width, height) < LEAST_TARGET ? [`${width}x${height} is too small to be met: ${describe(element)}`] : [];
  });
}

function pageProblems(): string[] {
  const { scrollWidth, clientWidth } = document.documentElement;
  return [
    scrollWidth > clientWidth ? `the page is ${scrollWidth} wide and seen only to ${clientWidth}` : "",
    document.querySelectorAll("h1").length === 1 ? "" : "not exactly one h1",
    document.documentElement.lang === "en" ? "" : "no language",
  ].filter(Boolean);
}

type Colour = readonly [red: number, green: number, blue: number, alpha: number];

function colourOf(text: string): Colour {
  const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue, alpha];
}

const over = (top: Colour, below: Colour): Colour => {
  const mix = (at: 0 | 1 | 2): number => top[at] * top[3] + below[at] * (1 - top[3]);
  return [mix(0), mix(1), mix(2), 1];
};

function luminance([red, green, blue]: Colour): number {
  const linear = (value: number): number => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function groundOf(element: Element | null): Colour {
  if (!element) return [255, 255, 255, 1];
  const own = colourOf(getComputedStyle(element).backgroundColor);
  return own[3] === 1 ? own : over(own, groundOf(element.parentElement));
}

/** Disabled controls may be faint. */
function faintTexts(root: Element): string[] {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const problems = new Set<string>();
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!element || !node.textContent?.trim() || !isSeen(element) || element.closest(":disabled, noscript, title, option")) continue;
    const ground = groundOf(element);
    const [one, two] = [luminance(over(colourOf(getComputedStyle(element).color), ground)), luminance(ground)];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < LEAST_CONTRAST) problems.add(`contrast ${contrast.toFixed(2)}: ${describe(element)}`);
  }
  return [...problems];
}
