import type { KeyLimits, KeyRecord } from "@shadowfleet/store";
import type { FieldProblems } from "./field-problems.ts";
import { checkLimits } from "./limit-rules.ts";
import { targetListProblems } from "./target-list.ts";

const MAX_TEXT_BYTES = 256;

export function checkTexts(
  { displayName, disabledReason }: Pick<KeyRecord, "displayName" | "disabledReason">,
  problems: FieldProblems,
): void {
  for (const [field, text] of [
    ["access_key.display_name", displayName],
    ["access_key.disabled_reason", disabledReason],
  ] as const) {
    problems.require(Buffer.byteLength(text) <= MAX_TEXT_BYTES, field, `must have at most ${MAX_TEXT_BYTES} bytes`);
    problems.require(text.isWellFormed() && !/\p{Cc}/u.test(text), field, "must not have control characters");
  }
}

export function checkTargets(
  { allowTargets = [], denyTargets = [] }: Pick<KeyRecord, "allowTargets" | "denyTargets">,
  problems: FieldProblems,
): void {
  for (const reason of targetListProblems(allowTargets, "allow")) problems.add("access_key.allow_targets", reason);
  for (const reason of targetListProblems(denyTargets, "deny")) problems.add("access_key.deny_targets", reason);
}

export function checkKeyLimits(limits: KeyLimits | undefined, problems: FieldProblems): void {
  if (limits) checkLimits(limits, (field, reason) => problems.add(`access_key.limits.${field}`, reason));
}

export function checkTimes(startsAtMs: number | undefined, expiresAtMs: number | undefined, problems: FieldProblems): void {
  if (startsAtMs !== undefined && expiresAtMs !== undefined)
    problems.require(expiresAtMs > startsAtMs, "access_key.expire_time", "must be after start_time");
}
