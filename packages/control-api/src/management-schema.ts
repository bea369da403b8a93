import { type HostPort, hostPort } from "@shadowfleet/runtime";
import { z } from "zod";

/** Files of a TLS client; each is read anew for every connection, so that renewed certificates are taken up. */
export interface ManagementTls {
  /** PEM of the authorities that management's certificate may come from. Undefined: those the system trusts. */
  readonly caFile: string | undefined;
  /** PEM of the client certificate and its key, where management asks for one. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** The name the certificate is for, where it is not the host of the address. */
  readonly serverName: string | undefined;
}

/** Where management is and how to be let in. */
export interface ManagementTarget {
  /** Replicas, at least one; tried round robin. */
  readonly addresses: readonly HostPort[];
  /** Undefined: plaintext, which only loopback addresses have. */
  readonly tls: ManagementTls | undefined;
  /** Holds the bearer token; read anew for every connection. */
  readonly tokenFile: string | undefined;
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

const path = z.string().min(1);

/** `management` of a member's or client's configuration; `ManagementTarget` after parsing. */
export const managementSchema = z
  .strictObject({
    /** One replica: "management.example:9190". */
    address: hostPort().optional(),
    /** Several replicas, instead of `address`. */
    addresses: z.array(hostPort()).min(1).optional(),
    /** An empty object is TLS with the authorities the system trusts. */
    tls: z
      .strictObject({ caFile: path.optional(), certFile: path.optional(), keyFile: path.optional(), serverName: path.optional() })
      .optional(),
    tokenFile: path.optional(),
    /** Plaintext, for loopback addresses only. */
    insecure: z.boolean().default(false),
  })
  .transform((input, context): ManagementTarget => {
    const addresses = input.addresses ?? (input.address ? [input.address] : []);
    const refuse = (message: string, ...at: string[]): void => void context.addIssue({ code: "custom", message, path: at });
    if ((input.address === undefined) === (input.addresses === undefined)) refuse("needs either address or addresses");
    if ((input.tls === undefined) === !input.insecure) refuse("needs either tls or, for loopback addresses, insecure: true");
    const remote = addresses.find(({ host }) => !LOOPBACK.test(host));
    if (input.insecure && remote) refuse(`is for loopback addresses only, which ${remote.host} is not: use tls`, "insecure");
    if ((input.tls?.certFile === undefined) !== (input.tls?.keyFile === undefined)) refuse("needs both certFile and keyFile", "tls");
    return { addresses, tls: input.tls && tlsOf(input.tls), tokenFile: input.tokenFile };
  });

function tlsOf({ caFile, certFile, keyFile, serverName }: { readonly [K in keyof ManagementTls]?: string | undefined }): ManagementTls {
  return { caFile, certFile, keyFile, serverName };
}
