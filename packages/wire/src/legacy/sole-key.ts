import type { KeyRing, ServerKey } from "../stream.ts";

/** The key of a stream method's port: the first one. Without authentication several keys on a port cannot be told apart. */
export function soleKey<K extends ServerKey>(ring: KeyRing<K>): K | undefined {
  for (const key of ring.candidates()) return key;
  return undefined;
}
