import type { AccessKey, TrafficBucket } from "../api/messages.ts";
import { isDeclared } from "../api/messages.ts";
import type { Console } from "../console.ts";
import { Chip, part } from "../dom/cells.ts";
import { openDialog } from "../dom/dialog.ts";
import { button, h, Slot, setText } from "../dom/element.ts";
import { hourChart } from "./hour-chart.ts";
import { deleteKey, disableKey, enableKey, endSessionsOf, resetQuota, rotateSecret } from "./key-actions.ts";
import { editKey } from "./key-form.ts";
import { aboutPart, limitsPart, noticeOf, sessionsPart, usagePart } from "./key-parts.ts";
import { nameOf, stateOf } from "./key-state.ts";
import { showSecret } from "./secret-panel.ts";

/** Opens everything about one access key, which follows the fleet while it is open. */
export function openKey(console: Console, id: string): void {
  const { api, model } = console;
  const found = model.key(id);
  if (!found) return;
  let key: AccessKey = found;
  const chip = new Chip();
  const [notice, usage, limits, sessions, about] = ["", "", "", "", ""].map(() => new Slot("slot")) as [Slot, Slot, Slot, Slot, Slot];
  const hours = new Slot("slot");

  const act = (label: string, run: () => void, kind = ""): HTMLButtonElement => button(label, run, { class: `button ${kind}` });
  const toggle = act("Disable…", () => (key.disabled ? enableKey : disableKey)(console, key));
  const changes = [
    act("Rotate secret…", () => rotateSecret(console, key)),
    act("Edit…", () => editKey(console, key)),
    toggle,
    act("Delete…", () => deleteKey(console, key, () => dialog.close()), "danger-quiet"),
  ];
  const reset = act("Reset quota…", () => resetQuota(console, key), "small");
  const end = act("End sessions…", () => endSessionsOf(console, key), "small");
  const show = button("Show QR code and link", () => void showSecret(console, key, "Link and QR code"), {
    class: "button primary",
    "data-autofocus": true,
  });

  const update = (): void => {
    key = model.key(id) ?? key;
    const live = model.sessionsOfKey.get(id) ?? [];
    const traffic = model.traffic.get(id);
    const heading = dialog.querySelector("h2");
    if (heading) setText(heading, nameOf(key));
    chip.update(...stateOf(key));
    setText(toggle, key.disabled ? "Enable…" : "Disable…");
    for (const change of changes) change.disabled = isDeclared(key);
    reset.hidden = key.limits?.quota === undefined || isDeclared(key);
    end.hidden = live.length === 0;
    const minute = Math.floor(Date.now() / 60_000);
    notice.show([key, minute], () => [noticeOf(key)]);
    usage.show([key, minute, traffic?.up, traffic?.down, traffic?.meter.up, traffic?.meter.down], () => [usagePart(key, model)]);
    limits.show([key, minute], () => [limitsPart(key)]);
    sessions.show([live, minute], () => [sessionsPart(live)]);
    about.show(key, () => [aboutPart(key)]);
  };

  const closed = new AbortController();
  const dialog = openDialog({
    title: nameOf(key),
    kind: "drawer",
    aside: [chip.element],
    content: [
      h("div", { class: "actions" }, show, ...changes),
      notice.element,
      usage.element,
      h("div", { class: "actions" }, reset),
      hours.element,
      limits.element,
      sessions.element,
      h("div", { class: "actions" }, end),
      about.element,
    ],
    closed: () => closed.abort(),
  });
  update();
  console.onRead(update, closed.signal);
  void api.call<{ buckets?: TrafficBucket[] }>("TrafficService", "ListTrafficBuckets", { accessKeyId: id }).then(
    ({ buckets = [] }) => hours.show(buckets, () => [part("Last 24 hours", hourChart(buckets, Date.now()))]),
    // Without the store there are no hours; the rest of the drawer stands.
    () => undefined,
  );
}
