import { X509Certificate } from "node:crypto";

/** When a certificate ends, in seconds since 1970: of the first in a PEM text, which is the server's own. */
export function certificateEnd(pem: Buffer): number {
  return Date.parse(new X509Certificate(pem).validTo) / 1000;
}
