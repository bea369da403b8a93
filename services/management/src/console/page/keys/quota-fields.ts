import type { Quota } from "../api/messages.ts";
import { h } from "../dom/element.ts";
import { ChoiceField, TextField } from "../dom/fields.ts";
import { countText, exactBytes, parseBitRate } from "../format/amounts.ts";
import { parseQuota, WINDOWS, type WindowName, windowOf } from "../format/quotas.ts";
import { rateField, wholeField } from "./limit-fields.ts";

const ACTIONS = [
  ["QUOTA_ACTION_CUT", "sessions are cut"],
  ["QUOTA_ACTION_THROTTLE", "it goes on slowly"],
] as const;
const CALENDAR_UNITS: Readonly<Record<string, string>> = {
  hour: "CALENDAR_UNIT_HOUR",
  day: "CALENDAR_UNIT_DAY",
  week: "CALENDAR_UNIT_WEEK",
  month: "CALENDAR_UNIT_MONTH",
};

/** The inputs of a quota: "50 GB", each month, and what happens then. */
export class QuotaFields {
  readonly element: HTMLElement;
  readonly fields: readonly TextField[];
  readonly #bytes: TextField;
  readonly #window: ChoiceField<WindowName>;
  readonly #action: ChoiceField<(typeof ACTIONS)[number][0]>;
  readonly #throttle: TextField;
  readonly #days: TextField;
  readonly #zone: TextField;
  readonly #anchor: TextField;

  constructor(quota: Quota | undefined) {
    const { calendar = {}, rolling, throttleBitsPerSecond } = quota ?? {};
    this.#bytes = new TextField({
      label: "Quota",
      value: quota ? exactBytes(Number(quota.bytes ?? 0)) : "",
      placeholder: "50 GB / month",
      hint: "Empty: as much as there is",
      read: readQuota,
      changed: (text) => this.#choose(text),
    });
    this.#window = new ChoiceField("Window", WINDOWS, quota ? windowOf(quota) : "month", () => this.#showWanted());
    const action = quota?.action === "QUOTA_ACTION_THROTTLE" ? quota.action : "QUOTA_ACTION_CUT";
    this.#action = new ChoiceField("When it is used up", ACTIONS, action, () => this.#showWanted());
    this.#throttle = rateField("At what rate", "1 Mbit/s", throttleBitsPerSecond, "Each direction");
    this.#days = wholeField("Days", rolling?.days ?? 30, 60, "The window moves on by the hour");
    this.#zone = new TextField({ label: "Time zone", value: calendar.timeZone ?? "", placeholder: "Europe/Berlin", hint: "Empty: UTC" });
    this.#anchor = wholeField("First day", calendar.anchorDay, 31, "Of a month 1 to 31, of a week 1 (Monday) to 7");
    this.fields = [this.#bytes, this.#throttle, this.#days, this.#zone, this.#anchor];
    const [first, second] = [h("div", { class: "pair" }, this.#bytes.element, this.#window.element), h("div", { class: "pair" })];
    second.append(this.#days.element, this.#zone.element, this.#anchor.element);
    const third = h("div", { class: "pair" }, this.#action.element, this.#throttle.element);
    this.element = h("div", { class: "stack" }, first, second, third);
    this.#showWanted();
  }

  /** Undefined: no quota. After the fields were checked. */
  read(): Quota | undefined {
    const bytes = parseQuota(this.#bytes.value)?.bytes;
    if (bytes === undefined) return undefined;
    const isThrottled = this.#action.value === "QUOTA_ACTION_THROTTLE";
    const rate = parseBitRate(this.#throttle.value || "1 Mbit/s") ?? 0;
    return {
      bytes: String(bytes),
      ...this.#readWindow(),
      action: this.#action.value,
      ...(isThrottled && { throttleBitsPerSecond: String(rate) }),
    };
  }

  #readWindow(): Pick<Quota, "calendar" | "rolling" | "lifetime"> {
    const window = this.#window.value;
    if (window === "rolling") return { rolling: { days: Number(this.#days.value || 30) } };
    if (window === "lifetime") return { lifetime: {} };
    const anchorDay = window === "month" || window === "week" ? Number(this.#anchor.value) : 0;
    return { calendar: { unit: CALENDAR_UNITS[window] ?? "", timeZone: this.#zone.value, anchorDay } };
  }

  /** "50 GB / week" chooses the window as well. */
  #choose(text: string): void {
    const window = parseQuota(text)?.window;
    if (window) this.#window.value = window;
    this.#showWanted();
  }

  #showWanted(): void {
    const window = this.#window.value;
    const hasQuota = this.#bytes.value !== "";
    const isCalendar = window !== "rolling" && window !== "lifetime";
    this.#days.element.hidden = !hasQuota || window !== "rolling";
    this.#zone.element.hidden = !hasQuota || !isCalendar;
    this.#anchor.element.hidden = !hasQuota || (window !== "month" && window !== "week");
    this.#action.element.hidden = !hasQuota;
    this.#throttle.element.hidden = !hasQuota || this.#action.value !== "QUOTA_ACTION_THROTTLE";
  }
}

function readQuota(text: string): { readonly note: string } | { readonly problem: string } {
  const read = parseQuota(text);
  return read
    ? { note: `${countText(read.bytes)} bytes, up and down together` }
    : { problem: "Write it like 50 GB, 1.5 TB or 50 GB / month" };
}
