/** Kept back for listeners, admin, name resolution and logs. */
const RESERVED_DESCRIPTORS = 128;
/** A client and its target; a UDP session that reaches targets of both families. */
const DESCRIPTORS_EACH = 2;
const FEWEST = 64;
/** About 1 GiB at 15 KiB a connection; who has more memory says so with a number. */
const MOST_CONNECTIONS = 65_536;
const MOST_STRANGERS = 4096;
const MOST_UDP_SESSIONS = 16_384;

/** What `limits.maxConnections: auto` means under a limit of so many descriptors (Infinity is fine). */
export function automaticMaxConnections(descriptors: number): number {
  return Math.min(MOST_CONNECTIONS, affordable(descriptors));
}

/** What `limits.strangers: auto` means: never so many that they alone could make a port stop accepting. */
export function automaticMaxStrangers(maxConnections: number): number {
  return Math.min(MOST_STRANGERS, Math.max(1, Math.floor(maxConnections / 2)));
}

/** What `limits.udpSessions: auto` means: a flood ends sessions, and does not run out of descriptors for those of others. */
export function automaticMaxUdpSessions(descriptors: number): number {
  return Math.min(MOST_UDP_SESSIONS, affordable(descriptors));
}

function affordable(descriptors: number): number {
  return Math.max(FEWEST, Math.floor((descriptors - RESERVED_DESCRIPTORS) / DESCRIPTORS_EACH));
}
