import { randomBytes } from "node:crypto";
import { freePort } from "@shadowfleet/testkit";

/** How a port tells whose a connection is. */
export type Lookup = "SIP023" | "SIP004";

const METHODS: Readonly<Record<Lookup, { readonly method: string; readonly keyBytes: number }>> = {
  SIP023: { method: "2022-blake3-aes-256-gcm", keyBytes: 32 },
  SIP004: { method: "chacha20-ietf-poly1305", keyBytes: 24 },
};

/** A port with so many access keys. */
export interface Point {
  readonly lookup: Lookup;
  readonly method: string;
  readonly port: number;
  /** Base64; undefined where the method has none. */
  readonly identityKey: string | undefined;
  readonly keys: readonly { readonly id: string; readonly secret: string }[];
}

export async function createPoint(lookup: Lookup, keyCount: number): Promise<Point> {
  const { method, keyBytes } = METHODS[lookup];
  const newSecret = (): string => randomBytes(keyBytes).toString("base64");
  const keys = Array.from({ length: keyCount }, (_, index) => ({
    id: `${lookup.toLowerCase()}-${keyCount}-${String(index).padStart(5, "0")}`,
    secret: newSecret(),
  }));
  return { lookup, method, port: await freePort(), identityKey: lookup === "SIP023" ? newSecret() : undefined, keys };
}

/** What management declares for these ports. */
export function declarationOf(points: readonly Point[]): object {
  return {
    ports: points.map(({ port, method, identityKey }) => ({ port, method, ...(identityKey !== undefined && { identityKey }) })),
    keys: points.flatMap(({ port, keys }) => keys.map(({ id, secret }) => ({ id, port, secret }))),
    upstreams: [],
  };
}

/** What a client of one of the keys has: with SIP023 `iPSK:uPSK`. */
export function clientSecret({ identityKey, keys }: Point, index: number): string {
  const { secret } = keys[index]!;
  return identityKey === undefined ? secret : `${identityKey}:${secret}`;
}
