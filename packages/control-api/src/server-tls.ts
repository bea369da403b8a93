import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";

/** PEM texts. */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Clients must show a certificate of this authority; undefined: none is asked. */
  readonly clientCa: Buffer | undefined;
}

/** TLS whose certificate can be replaced while the server runs: new connections get the new one. */
export class ReplaceableTls extends ServerCredentials {
  constructor(tls: ServerTls) {
    super(
      { requestCert: tls.clientCa !== undefined, rejectUnauthorized: tls.clientCa !== undefined, minVersion: "TLSv1.2" },
      contextOf(tls),
    );
  }

  /** Whether client certificates are asked stays as it was. */
  replace(tls: ServerTls): void {
    this.updateSecureContextOptions(contextOf(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ cert, key, clientCa }: ServerTls): SecureContextOptions {
  return { cert, key, ...(clientCa ? { ca: clientCa } : {}), minVersion: "TLSv1.2" };
}

/** Plaintext, for loopback only. */
export const insecureServerCredentials = (): ServerCredentials => ServerCredentials.createInsecure();
