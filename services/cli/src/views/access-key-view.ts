import { type AccessKey, AccessKeyState, Origin } from "@shadowfleet/control-api";
import type { Document } from "../output/document.ts";
import { pairLines, tableLines } from "../output/table.ts";
import { formatTime, formatTimeFromNow } from "../output/times.ts";
import { enumWord } from "./enum-word.ts";
import { exhaustedWord, limitPairs, limitsDocument, quotaCells, usageDocument } from "./limit-view.ts";

const stateWord = (state: number): string => enumWord(AccessKeyState, "ACCESS_KEY_STATE_", state);
export const originWord = (origin: number): string => enumWord(Origin, "ORIGIN_", origin);

/** Without the secret. */
export function accessKeyDocument(key: AccessKey): Document {
  const { overlap } = key;
  return {
    id: key.id,
    displayName: key.displayName,
    port: key.port,
    method: key.method,
    state: stateWord(key.state),
    disabled: key.disabled,
    disabledReason: key.disabledReason,
    startTime: key.startTime ?? null,
    expireTime: key.expireTime ?? null,
    allowTargets: key.allowTargets,
    denyTargets: key.denyTargets,
    limits: limitsDocument(key.limits),
    usage: usageDocument(key.usage),
    createTime: key.createTime ?? null,
    updateTime: key.updateTime ?? null,
    resourceVersion: key.resourceVersion,
    origin: originWord(key.origin),
    overlap: overlap ? { expireTime: overlap.expireTime ?? null, oldSecretLastUsedTime: overlap.oldSecretLastUsedTime ?? null } : null,
  };
}

/** Quotas have columns where there are any. */
export function accessKeyTable(keys: readonly AccessKey[], nowMs: number): string[] {
  const hasQuotas = keys.some(({ limits }) => limits?.quota);
  const titles = ["ID", "NAME", "PORT", "METHOD", "STATE", ...(hasQuotas ? ["USED", "QUOTA", "RENEWS"] : []), "EXPIRES", "ORIGIN"];
  const columns = titles.map((title) => (title === "PORT" ? ({ title, align: "right" } as const) : { title }));
  const rows = keys.map((key) => [
    key.id,
    key.displayName,
    String(key.port),
    key.method,
    stateWord(key.state) + exhaustedWord(key),
    ...(hasQuotas ? quotaCells(key, nowMs) : []),
    key.expireTime ? formatTime(key.expireTime) : "never",
    originWord(key.origin),
  ]);
  return tableLines(columns, rows);
}

export function accessKeyLines(key: AccessKey, nowMs: number): string[] {
  const time = (at: Date | undefined): string | undefined => at && formatTimeFromNow(at, nowMs);
  const { overlap } = key;
  return pairLines([
    ["id", key.id],
    ["name", key.displayName || undefined],
    ["port", String(key.port)],
    ["method", key.method],
    ["state", stateWord(key.state) + exhaustedWord(key) + (key.disabledReason ? `: ${key.disabledReason}` : "")],
    ["starts", time(key.startTime)],
    ["expires", time(key.expireTime) ?? "never"],
    ...limitPairs(key, nowMs),
    ["may also reach", key.allowTargets.join(", ") || undefined],
    ["may not reach", key.denyTargets.join(", ") || undefined],
    ["created", time(key.createTime)],
    ["changed", time(key.updateTime)],
    ["origin", originWord(key.origin)],
    ["old secret works until", time(overlap?.expireTime)],
    ["old secret last used", overlap && (time(overlap.oldSecretLastUsedTime) ?? "not since the rotation")],
  ]);
}
