import type { KeyRing, Method } from "@shadowfleet/wire";
import type { AccessKey } from "./access-key.ts";

/** The access keys of one listening port; replaced as a whole by a reload. */
export interface PortKeys {
  readonly method: Method;
  readonly keys: readonly AccessKey[];
  /** The ring for one connection or packet: keys last used from this client address first, then least recently used order as SIP004 trial needs. */
  ringFor(clientHost: string): KeyRing<AccessKey>;
}
