import type { FleetEvent, KeyLimits, KeyRecord } from "@shadowfleet/store";

type KeyEventType = Extract<FleetEvent["type"], "key.created" | "key.changed" | "key.rotated" | "key.deleted">;

/** Fields of a record that an operator changes, with their names in the API. */
const FIELDS: readonly (readonly [name: string, read: (record: KeyRecord) => unknown])[] = [
  ["display_name", ({ displayName }) => displayName],
  ["disabled", ({ disabled }) => disabled],
  ["disabled_reason", ({ disabledReason }) => disabledReason],
  ["start_time", ({ startsAtMs }) => startsAtMs],
  ["expire_time", ({ expiresAtMs }) => expiresAtMs],
  ["allow_targets", ({ allowTargets = [] }) => allowTargets],
  ["deny_targets", ({ denyTargets = [] }) => denyTargets],
  ...(
    [
      ["limits.quota", "quota"],
      ["limits.up_bits_per_second", "upBitsPerSecond"],
      ["limits.down_bits_per_second", "downBitsPerSecond"],
      ["limits.max_devices", "maxDevices"],
      ["limits.device_grace", "deviceGraceMs"],
      ["limits.max_sessions", "maxSessions"],
    ] as const
  ).map(([name, field]: readonly [string, keyof KeyLimits]) => [name, ({ limits }: KeyRecord) => limits?.[field]] as const),
];

/** What somebody did to an access key. Its name, never its secrets. */
export function keyEvent(type: KeyEventType, record: KeyRecord, atMs: number, more: FleetEvent["details"] = {}): FleetEvent {
  return { type, subject: record.id, atMs, details: { displayName: record.displayName, port: record.port, ...more } };
}

/** The event of a change, with the fields that are different; none when nothing is. */
export function changeEvents(before: KeyRecord, after: KeyRecord, atMs: number): FleetEvent[] {
  const fields = FIELDS.filter(([, read]) => JSON.stringify(read(before)) !== JSON.stringify(read(after))).map(([name]) => name);
  return fields.length === 0 ? [] : [keyEvent("key.changed", after, atMs, { fields: fields.join(",") })];
}
