import { ATYP_DOMAIN, ATYP_IPV4, ATYP_IPV6 } from "../address.ts";

/** The ancestor keeps flags in the upper half of the ATYP byte. */
const ATYP_MASK = 0x0f;
const ONE_TIME_AUTH = 0x10;

/** Whether an ATYP byte asks for one-time authentication, which was removed as insecure. A wrong key gives this byte by chance, too. */
export function asksForOneTimeAuth(atyp: number | undefined): boolean {
  if (atyp === undefined || (atyp & ~ATYP_MASK) !== ONE_TIME_AUTH) return false;
  const type = atyp & ATYP_MASK;
  return type === ATYP_IPV4 || type === ATYP_DOMAIN || type === ATYP_IPV6;
}
