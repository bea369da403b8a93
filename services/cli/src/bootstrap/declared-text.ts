import { randomBytes } from "node:crypto";
import type { Method } from "@shadowfleet/wire";
import { stringify } from "yaml";

/** Id of the access key that the gateways use. */
export const GATEWAY_KEY_ID = "gateway";
const PASSWORD_BYTES = 32;

/** Where gateways find the relays. */
export interface DeclaredRelay {
  readonly host: string;
  /** Where UDP goes, if that is another host. */
  readonly udpHost: string | undefined;
  readonly port: number;
  readonly method: Method;
}

/** The text of management's `declaredFile`: a port, an access key for the gateways with a fresh secret, and the relays as their upstream. */
export function declaredText({ host, udpHost, port, method }: DeclaredRelay): string {
  const identityKey = method.identityHeaders ? preSharedKey(method) : undefined;
  const secret = method.kind === "aead-2022" ? preSharedKey(method) : randomBytes(PASSWORD_BYTES).toString("base64url");
  const upstreamSecret = identityKey === undefined ? secret : `${identityKey}:${secret}`;
  return stringify({
    ports: [{ port, method: method.name, ...(identityKey === undefined ? {} : { identityKey }) }],
    keys: [{ id: GATEWAY_KEY_ID, name: "Gateways", port, secret }],
    upstreams: [{ id: "relay", host, ...(udpHost === undefined ? {} : { udpHost }), port, method: method.name, secret: upstreamSecret }],
  });
}

const preSharedKey = ({ keyLength }: Method): string => randomBytes(keyLength).toString("base64");
