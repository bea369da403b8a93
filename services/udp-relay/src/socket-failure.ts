import type { ErrorCode } from "@shadowfleet/runtime";

const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ["EMFILE", "OUT_OF_DESCRIPTORS"],
  ["ENFILE", "OUT_OF_DESCRIPTORS"],
  ["EMSGSIZE", "PACKET_TOO_LARGE"],
  ["ECONNREFUSED", "DIAL_REFUSED"],
  ["EHOSTUNREACH", "DIAL_HOST_UNREACHABLE"],
  ["EHOSTDOWN", "DIAL_HOST_UNREACHABLE"],
  ["ENETUNREACH", "DIAL_NETWORK_UNREACHABLE"],
  ["ENETDOWN", "DIAL_NETWORK_UNREACHABLE"],
  ["EADDRNOTAVAIL", "DIAL_NETWORK_UNREACHABLE"],
  ["EAFNOSUPPORT", "DIAL_NETWORK_UNREACHABLE"],
]);

/** The registered code of what a UDP socket call answered; UDP_SEND_FAILED for anything without one of its own. */
export function codeOfSocketError(error: unknown): ErrorCode {
  return CODES.get(errnoOf(error)) ?? "UDP_SEND_FAILED";
}

/** The system's name of the error ("EADDRINUSE"), or "" when it has none. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? "";
}

/**
 * Errors that an open socket reports about one datagram or the network behind it, after which it goes on working: closing it would let
 * whoever causes them take the port away.
 */
const PASSING = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EMSGSIZE",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
  "EACCES",
]);

export function isPassing(error: unknown): boolean {
  return PASSING.has(errnoOf(error));
}
