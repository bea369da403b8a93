/** Kept back for listeners, admin, name resolution and logs. */
const RESERVED_DESCRIPTORS = 128;
/** A client and its target. */
const DESCRIPTORS_PER_CONNECTION = 2;
const FEWEST_CONNECTIONS = 64;
/** About 1 GiB at 15 KiB a connection; who has more memory says so with a number. */
const MOST_CONNECTIONS = 65_536;

/** What `limits.maxConnections: auto` means under a limit of so many descriptors (Infinity is fine). */
export function automaticMaxConnections(descriptors: number): number {
  const affordable = Math.floor((descriptors - RESERVED_DESCRIPTORS) / DESCRIPTORS_PER_CONNECTION);
  return Math.min(MOST_CONNECTIONS, Math.max(FEWEST_CONNECTIONS, affordable));
}
