import { type AccessKey, AccessKeyState, Origin } from "@shadowfleet/control-api";
import type { Document } from "../output/document.ts";
import { pairLines, tableLines } from "../output/table.ts";
import { formatTime, formatTimeFromNow } from "../output/times.ts";
import { enumWord } from "./enum-word.ts";

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
    createTime: key.createTime ?? null,
    updateTime: key.updateTime ?? null,
    resourceVersion: key.resourceVersion,
    origin: originWord(key.origin),
    overlap: overlap ? { expireTime: overlap.expireTime ?? null, oldSecretLastUsedTime: overlap.oldSecretLastUsedTime ?? null } : null,
  };
}

export function accessKeyTable(keys: readonly AccessKey[]): string[] {
  const columns = ["ID", "NAME", "PORT", "METHOD", "STATE", "EXPIRES", "ORIGIN"].map((title) =>
    title === "PORT" ? ({ title, align: "right" } as const) : { title },
  );
  const rows = keys.map((key) => [
    key.id,
    key.displayName,
    String(key.port),
    key.method,
    stateWord(key.state),
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
    ["state", stateWord(key.state) + (key.disabledReason ? `: ${key.disabledReason}` : "")],
    ["starts", time(key.startTime)],
    ["expires", time(key.expireTime) ?? "never"],
    ["may also reach", key.allowTargets.join(", ") || undefined],
    ["may not reach", key.denyTargets.join(", ") || undefined],
    ["created", time(key.createTime)],
    ["changed", time(key.updateTime)],
    ["origin", originWord(key.origin)],
    ["old secret works until", time(overlap?.expireTime)],
    ["old secret last used", overlap && (time(overlap.oldSecretLastUsedTime) ?? "not since the rotation")],
  ]);
}
