import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";

/** PEM texts. */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Clients must show a certificate of this authority; undefined: none is asked. */
  readonly clientCa: Buffer | undefined;
}

// HTTP/2 (RFC 9113) wants forward secrecy and AEAD; TLS 1.3 has nothing else.
const CIPHERS = [
  ...["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
  ...["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ...["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"],
].join(":");
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** TLS whose certificate can be replaced while the server runs: new connections get the new one. */
export class ReplaceableTls extends ServerCredentials {
  constructor(tls: ServerTls) {
    const asksClients = tls.clientCa !== undefined;
    super({ requestCert: asksClients, rejectUnauthorized: asksClients, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, secureContextOf(tls));
  }

  /** Whether client certificates are asked stays as it was. */
  replace(tls: ServerTls): void {
    this.updateSecureContextOptions(secureContextOf(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** The TLS that every server of the control plane speaks. */
export function secureContextOf({ cert, key, clientCa }: ServerTls): SecureContextOptions {
  return { cert, key, ...(clientCa ? { ca: clientCa } : {}), minVersion: "TLSv1.2", ciphers: CIPHERS };
}

/** Plaintext, for loopback only. */
export const insecureServerCredentials = (): ServerCredentials => ServerCredentials.createInsecure();
