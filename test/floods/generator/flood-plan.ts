import { type Credential, deriveCredential } from "@shadowfleet/wire";

export type FloodKind =
  /** TCP: complete openings that no key opens. */
  | "wrong-handshakes"
  /** TCP: connect and say nothing. */
  | "silent-connections"
  /** TCP: a valid opening, cut off anywhere, then nothing. */
  | "half-handshakes"
  /** TCP: a valid opening, a byte a second. */
  | "slow-drip"
  /** UDP: valid datagrams of one key from ever other source ports. */
  | "udp-sessions"
  /** UDP: datagrams that no key opens. */
  | "udp-wrong";

/** One flood, bounded in rate, time and sockets. */
export interface FloodPlan {
  readonly kind: FloodKind;
  readonly port: number;
  /** Loopback addresses it comes from, in turn. */
  readonly sources: readonly string[];
  /** Connections or datagrams. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Sockets at a time; above it the flood itself ends its oldest. */
  readonly maxOpen: number;
  readonly method: string;
  /** What valid openings are sealed with. */
  readonly secret: string;
  readonly seed: number;
}

/** What the flood saw. */
export interface FloodResult {
  readonly sent: number;
  /** Connections that could not be made: the relay had stopped accepting. */
  readonly refused: number;
  /** Ended by the relay. */
  readonly closedByRelay: number;
  /** Anything the relay answered. */
  readonly answeredBytes: number;
  /** The most sockets open at a time. */
  readonly mostOpen: number;
}

export function credentialOf({ method, secret }: { readonly method: string; readonly secret: string }): Credential {
  const derived = deriveCredential(method, secret);
  if (!derived.ok) throw new Error(derived.reason);
  return derived.credential;
}
