import type { AccessKey } from "@shadowfleet/control-api";
import type { KeyLimits } from "@shadowfleet/store";
import type { KeyChange } from "../domain/access-keys.ts";
import type { FieldProblems } from "../domain/field-problems.ts";
import { readLimits } from "./limit-messages.ts";
import { readTime } from "./requests.ts";

type ChangeReader = (wanted: AccessKey, problems: FieldProblems) => KeyChange;

const CHANGES: Readonly<Record<string, ChangeReader>> = {
  display_name: ({ displayName }) => ({ displayName }),
  // A reason belongs to being switched off; switching on again ends it.
  disabled: ({ disabled }) => (disabled ? { disabled } : { disabled, disabledReason: "" }),
  disabled_reason: ({ disabledReason }) => ({ disabledReason }),
  start_time: ({ startTime }, problems) => ({ startsAtMs: readTime(startTime, "access_key.start_time", problems) }),
  expire_time: ({ expireTime }, problems) => ({ expiresAtMs: readTime(expireTime, "access_key.expire_time", problems) }),
  allow_targets: ({ allowTargets }) => ({ allowTargets }),
  deny_targets: ({ denyTargets }) => ({ denyTargets }),
};

/** Paths of the mask that change one of the limits. */
const LIMITS: Readonly<Record<string, keyof KeyLimits>> = {
  "limits.quota": "quota",
  "limits.up_bits_per_second": "upBitsPerSecond",
  "limits.down_bits_per_second": "downBitsPerSecond",
  "limits.max_devices": "maxDevices",
  "limits.device_grace": "deviceGraceMs",
  "limits.max_sessions": "maxSessions",
};
const ALL_LIMITS = "limits";
const PATHS = [...Object.keys(CHANGES), ALL_LIMITS, ...Object.keys(LIMITS)];

/** What an update asks for; a mask that names nothing, or what cannot be changed, is reported. */
export function readChange(wanted: AccessKey, mask: readonly string[], problems: FieldProblems): KeyChange {
  problems.require(mask.length > 0, "update_mask", `names no field; there are ${PATHS.join(", ")}`);
  let change: KeyChange = {};
  // In the table's order, so that a given reason stands whatever the order of the mask.
  for (const [path, read] of Object.entries(CHANGES)) if (mask.includes(path)) change = { ...change, ...read(wanted, problems) };
  for (const path of mask)
    problems.require(PATHS.includes(path), "update_mask", `"${path.slice(0, 64)}" cannot be changed; there are ${PATHS.join(", ")}`);
  return mask.some((path) => path === ALL_LIMITS || Object.hasOwn(LIMITS, path))
    ? { ...change, limits: readLimitChange(wanted, mask, problems) }
    : change;
}

function readLimitChange(wanted: AccessKey, mask: readonly string[], problems: FieldProblems): (before: KeyLimits) => KeyLimits {
  const asked = readLimits(wanted.limits, problems);
  if (mask.includes(ALL_LIMITS)) return () => asked;
  const named = Object.entries(LIMITS).flatMap(([path, field]) => (mask.includes(path) ? [field] : []));
  return (before) => {
    const kept = Object.entries(before).filter(([field]) => !named.includes(field as keyof KeyLimits));
    const changed = Object.entries(asked).filter(([field]) => named.includes(field as keyof KeyLimits));
    return Object.fromEntries([...kept, ...changed]);
  };
}
