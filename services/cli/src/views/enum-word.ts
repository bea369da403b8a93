/** "active" for ACCESS_KEY_STATE_ACTIVE, "tcp-relay" for MEMBER_KIND_TCP_RELAY; "unknown" for a value of a newer management. */
export function enumWord(values: Readonly<Record<string, number>>, prefix: string, value: number): string {
  const name = Object.keys(values).find((key) => values[key] === value);
  if (name === undefined || !name.startsWith(prefix) || name.endsWith("_UNSPECIFIED")) return "unknown";
  return name.slice(prefix.length).toLowerCase().replaceAll("_", "-");
}
