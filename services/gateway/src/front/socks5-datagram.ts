import type { ErrorCode } from "@shadowfleet/runtime";
import { addressLength, readAddress, type TargetAddress, writeAddress } from "@shadowfleet/wire";

/** RSV (2) and FRAG (1), in front of the address (RFC 1928 §7). */
const PREFIX_LENGTH = 2 + 1;
const FRAGMENT_AT = 2;

export type OpenedDatagram =
  | { readonly ok: true; readonly target: TargetAddress; readonly payload: Buffer }
  | { readonly ok: false; readonly code: ErrorCode };

/** Reads a datagram of a SOCKS5 client. `payload` is a view into it. Fragments (FRAG other than 0) are refused, as RFC 1928 §7 allows. */
export function openDatagram(datagram: Buffer): OpenedDatagram {
  if (datagram.length <= PREFIX_LENGTH) return { ok: false, code: "TOO_SHORT" };
  if (datagram[FRAGMENT_AT] !== 0) return { ok: false, code: "FRAGMENT_NOT_SUPPORTED" };
  const address = readAddress(datagram, PREFIX_LENGTH, datagram.length);
  if (!address.ok) return { ok: false, code: address.incomplete ? "TOO_SHORT" : "BAD_ADDRESS" };
  return { ok: true, target: address.target, payload: datagram.subarray(address.next) };
}

/** A datagram for a SOCKS5 client, saying where the payload came from. Owned by the caller. */
export function formatDatagram(source: TargetAddress, payload: Buffer): Buffer {
  const headerLength = PREFIX_LENGTH + addressLength(source);
  const datagram = Buffer.allocUnsafe(headerLength + payload.length);
  datagram.fill(0, 0, PREFIX_LENGTH);
  writeAddress(source, datagram, PREFIX_LENGTH);
  payload.copy(datagram, headerLength);
  return datagram;
}
