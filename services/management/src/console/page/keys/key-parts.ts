import type { AccessKey, Session } from "../api/messages.ts";
import { facts, Meter, part } from "../dom/cells.ts";
import { h } from "../dom/element.ts";
import { bytesText, rateText } from "../format/amounts.ts";
import { momentText, whenText } from "../format/moments.ts";
import { windowText } from "../format/quotas.ts";
import type { FleetModel } from "../model/fleet-model.ts";
import { sessionLine } from "../sections/session-texts.ts";
import { nameOf, quotaShare } from "./key-state.ts";
import { rateLimitText, usageTexts } from "./key-texts.ts";

const SHOWN_SESSIONS = 8;

/** What somebody has to know before anything else. */
export function noticeOf(key: AccessKey): HTMLElement | undefined {
  const { state, disabledReason, overlap, usage, origin, expireTime, startTime } = key;
  const texts = [
    origin === "ORIGIN_DECLARED" && "Declared in management's configuration file: it is changed there and not here.",
    state === "ACCESS_KEY_STATE_DISABLED" && (disabledReason ? `Disabled: “${disabledReason}”.` : "Disabled, without a reason."),
    state === "ACCESS_KEY_STATE_EXPIRED" && `Expired ${whenText(expireTime)}. Edit it to give it a later end.`,
    state === "ACCESS_KEY_STATE_SCHEDULED" && `Works from ${momentText(startTime)} on.`,
    usage?.exhausted &&
      `The quota is used up. It works again ${usage.windowEndTime ? whenText(usage.windowEndTime) : "never by itself"}, with a higher quota, or after a reset.`,
    overlap &&
      `Old and new secret both work until ${momentText(overlap.expireTime)}. The old one was last used ${overlap.oldSecretLastUsedTime ? whenText(overlap.oldSecretLastUsedTime) : "never since"}.`,
  ].filter((text) => typeof text === "string");
  return texts.length === 0 ? undefined : h("div", { class: "notice" }, ...texts.map((text) => h("p", {}, text)));
}

export function usagePart(key: AccessKey, model: FleetModel): HTMLElement {
  const traffic = model.traffic.get(key.id);
  const { up = 0, down = 0, meter } = traffic ?? {};
  const [used, window] = usageTexts(key, up + down);
  const bar = new Meter();
  const share = quotaShare(key);
  bar.update(`Quota used by ${nameOf(key)}`, share ?? 0);
  const percent = share === undefined ? "" : `${Math.floor(share * 100)} %`;
  const head = h("p", { class: "usage-head" }, h("b", {}, used), h("span", {}, percent));
  const since = key.usage?.windowStartTime && `since ${momentText(key.usage.windowStartTime)}`;
  const under = h("p", { class: "hint" }, [window, since].filter(Boolean).join(", "));
  const totals = facts([
    ["Down", `${bytesText(down)} in all, ${rateText(meter?.down ?? 0)} now`],
    ["Up", `${bytesText(up)} in all, ${rateText(meter?.up ?? 0)} now`],
  ]);
  return part("Usage", head, ...(share === undefined ? [] : [bar.element]), under, totals);
}

export function limitsPart(key: AccessKey): HTMLElement {
  const { quota, maxDevices, maxSessions } = key.limits ?? {};
  const { devices = 0, sessions = 0 } = key.usage ?? {};
  const isThrottled = quota?.action === "QUOTA_ACTION_THROTTLE";
  const then = isThrottled ? `then ${rateText(Number(quota.throttleBitsPerSecond ?? 0) / 8)}` : "then cut";
  return part(
    "Limits",
    facts([
      ["Quota", quota ? `${bytesText(Number(quota.bytes ?? 0))} ${windowText(quota)}, ${then}` : "none"],
      ["Rate", rateLimitText(key)],
      ["Devices", maxDevices ? `${devices} of ${maxDevices}` : "any number"],
      ["Sessions", maxSessions ? `${sessions} of ${maxSessions}` : "any number"],
      ["Works from", momentText(key.startTime)],
      ["Works until", key.expireTime ? `${momentText(key.expireTime)}, ${whenText(key.expireTime)}` : "for ever"],
      ["May reach", key.allowTargets?.join(", ")],
      ["May not reach", key.denyTargets?.join(", ")],
    ]),
  );
}

export function sessionsPart(sessions: readonly Session[]): HTMLElement {
  const lines = sessions.slice(0, SHOWN_SESSIONS).map((session) => h("li", {}, ...sessionLine(session)));
  const rest = sessions.length - lines.length;
  const more = rest > 0 ? [h("p", { class: "hint" }, `and ${rest} more`)] : [];
  if (lines.length === 0) return part("Sessions", h("p", { class: "hint" }, "None at the moment."));
  return part(`Sessions (${sessions.length})`, h("ul", { class: "lines" }, ...lines), ...more);
}

export function aboutPart(key: AccessKey): HTMLElement {
  return part(
    "About",
    facts([
      ["Id", h("span", { class: "id" }, key.id)],
      ["Port", `${key.port ?? ""}, ${key.method ?? ""}`],
      ["Created", momentText(key.createTime)],
      ["Changed", momentText(key.updateTime)],
      ["Version", key.resourceVersion],
    ]),
  );
}
