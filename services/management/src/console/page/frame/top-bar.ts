import { button, h, setAttribute, setText } from "../dom/element.ts";
import { type IconName, icon } from "../dom/icons.ts";
import { Spark } from "../dom/spark.ts";
import { toast } from "../dom/toast.ts";
import { countText, rateText } from "../format/amounts.ts";
import type { FleetModel } from "../model/fleet-model.ts";
import { nextTheme, theme } from "../model/theme.ts";
import { isRelay } from "../sections/relay-texts.ts";
import { showShortcuts } from "./shortcuts.ts";

const SPARK_LENGTH = 60;

/** A figure of the fleet with its name, and a line of its past where it has one. */
class Figure {
  readonly element: HTMLElement;
  readonly #value = h("span", { class: "figure-value" });
  readonly #spark: Spark | undefined;

  constructor(label: string, sign?: IconName) {
    this.#spark = sign && new Spark(96, 30, SPARK_LENGTH);
    const name = h("span", { class: "figure-label" }, sign && icon(sign), label);
    this.element = h("div", { class: "figure" }, this.#spark?.element, h("span", { class: "figure-text" }, this.#value, name));
  }

  update(value: string, tone = "", history?: readonly number[]): void {
    setText(this.#value, value);
    setAttribute(this.element, "data-tone", tone || undefined);
    if (history) this.#spark?.update(history);
  }
}

/** The fleet in figures, and what is about the page itself. */
export class TopBar {
  readonly element: HTMLElement;
  readonly #down = new Figure("down", "down");
  readonly #up = new Figure("up", "up");
  readonly #sessions = new Figure("sessions");
  readonly #relays = new Figure("relays ready");

  /** `leave` is undefined where nobody logged in. */
  constructor(leave: (() => void) | undefined) {
    const themeButton = button(
      themeLabel(),
      () => switchTheme(themeButton),
      { class: "icon-button", "aria-keyshortcuts": "t" },
      icon("theme"),
    );
    const tools = h(
      "div",
      { class: "top-tools" },
      themeButton,
      button("Keyboard shortcuts", showShortcuts, { class: "icon-button", "aria-keyshortcuts": "?" }, icon("help")),
      leave && button("Log out", leave, { class: "icon-button" }, icon("leave")),
    );
    const brand = h(
      "a",
      { class: "brand", href: "#keys" },
      h("img", { src: "icon.svg", alt: "", width: 26, height: 26 }),
      h("h1", {}, "Shadowfleet"),
    );
    const figures = [this.#down, this.#up, this.#sessions, this.#relays].map(({ element }) => element);
    this.element = h(
      "header",
      { class: "top" },
      brand,
      h("div", { class: "figures", role: "group", "aria-label": "Fleet" }, ...figures),
      tools,
    );
  }

  update({ rate, fleet }: FleetModel): void {
    const relays = fleet?.members?.filter(isRelay) ?? [];
    const ready = relays.filter((relay) => relay.ready && !relay.draining).length;
    const sessions = relays.reduce((sum, { sessionCount = 0 }) => sum + sessionCount, 0);
    this.#down.update(rateText(rate.down), "", rate.downHistory);
    this.#up.update(rateText(rate.up), "", rate.upHistory);
    this.#sessions.update(countText(sessions));
    const isWhole = relays.length > 0 && ready === relays.length;
    this.#relays.update(`${ready} of ${relays.length}`, isWhole ? "" : ready === 0 ? "bad" : "warn");
  }
}

const themeLabel = (): string => `Theme: ${theme() === "auto" ? "as the system" : theme()}`;

export function switchTheme(themeButton?: HTMLElement): void {
  nextTheme();
  const shown = themeButton ?? document.querySelector('[aria-keyshortcuts="t"]');
  shown?.setAttribute("aria-label", themeLabel());
  toast(themeLabel());
}
