const NAME = "shadowfleet.theme";
const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export function theme(): Theme {
  const kept = localStorage.getItem(NAME);
  return THEMES.find((one) => one === kept) ?? "auto";
}

/** The style sheet reads it from the root element; "auto" follows the system. */
export function applyTheme(chosen = theme()): void {
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem(NAME, chosen);
}

/** Auto, light, dark, auto… */
export function nextTheme(): Theme {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]!;
  applyTheme(next);
  return next;
}
