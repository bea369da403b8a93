import type { FrontDoor } from "./front-door.ts";

const SOCKS5 = 0x05;
const SOCKS4 = 0x04;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const LOWER_BIT = 0x20;

/** Which protocol a client speaks, told by its first byte: both SOCKS versions begin with their number, an HTTP method with a letter. */
export function protocolOf(firstByte: number): FrontDoor["protocol"] | undefined {
  if (firstByte === SOCKS5) return "socks5";
  if (firstByte === SOCKS4) return "socks4";
  const upper = firstByte & ~LOWER_BIT;
  return upper >= UPPER_A && upper <= UPPER_Z ? "http" : undefined;
}
