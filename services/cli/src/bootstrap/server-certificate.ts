import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { createAuthority, issueServerCertificate } from "./certificate.ts";
import type { SecretsFolder } from "./secrets-folder.ts";

const DAY_MS = 86_400_000;
const AUTHORITY_LIFETIME_MS = 3650 * DAY_MS;
/** The longest that TLS clients which are strict about private authorities accept. */
const LIFETIME_MS = 825 * DAY_MS;
const RENEWED_BEFORE_END_MS = 90 * DAY_MS;
/** For clocks that are behind ours. */
const BACKDATED_MS = 3_600_000;
const AUTHORITY_NAME = "Shadowfleet authority";
const SERVER_NAME = "Shadowfleet management";

interface Authority {
  readonly certificate: X509Certificate;
  /** Undefined: it is kept elsewhere, or the authority is not one that we made. */
  readonly key: KeyObject | undefined;
}

/**
 * Sees to it that the folder has an authority (ca.crt, ca.key) and a certificate of it (tls.crt, tls.key) for all of `hosts`. One that somebody
 * else made is kept while it serves; where it does not and there is no key to renew it with, this fails.
 */
export async function provideServerCertificate(folder: SecretsFolder, hosts: readonly string[], nowMs: number): Promise<X509Certificate> {
  const authority = await provideAuthority(folder, nowMs);
  const existing = await readServerCertificate(folder);
  const flaw = existing === undefined ? "there is none" : flawOf(existing, authority.certificate, hosts, nowMs);
  if (existing !== undefined && flaw === undefined) return existing.certificate;
  const endsMs = authority.certificate.validToDate.getTime();
  if (authority.key === undefined) throw cannot(folder, "tls.crt", `cannot be renewed here: ${flaw}, and ca.key is not of our making`);
  if (endsMs <= nowMs) {
    throw cannot(folder, "ca.crt", `has ended on ${authority.certificate.validTo}`, [
      "Remove ca.crt and ca.key for a new authority, and give everybody who calls management the new ca.crt.",
    ]);
  }
  const facts = { name: SERVER_NAME, notBeforeMs: nowMs - BACKDATED_MS, notAfterMs: Math.min(nowMs + LIFETIME_MS, endsMs) };
  const issued = issueServerCertificate(facts, hosts, { name: AUTHORITY_NAME, key: authority.key });
  await folder.write("tls.key", issued.key, "owner");
  await folder.write("tls.crt", issued.certificate, "everybody");
  return new X509Certificate(issued.certificate);
}

async function provideAuthority(folder: SecretsFolder, nowMs: number): Promise<Authority> {
  const [certificate, key] = [await folder.read("ca.crt"), await folder.read("ca.key")];
  if (certificate !== undefined) {
    const read = certificateOf(folder, "ca.crt", certificate);
    if (key !== undefined && !read.checkPrivateKey(keyOf(folder, "ca.key", key))) {
      throw cannot(folder, "ca.key", "is not the key of ca.crt");
    }
    const isOurs = key !== undefined && read.subject === `CN=${AUTHORITY_NAME}`;
    return { certificate: read, key: isOurs ? keyOf(folder, "ca.key", key) : undefined };
  }
  if (key !== undefined) throw cannot(folder, "ca.crt", "is missing, but ca.key is there");
  if ((await folder.read("tls.crt")) !== undefined) throw cannot(folder, "ca.crt", "is missing: the authority that tls.crt comes from");
  const made = createAuthority({ name: AUTHORITY_NAME, notBeforeMs: nowMs - BACKDATED_MS, notAfterMs: nowMs + AUTHORITY_LIFETIME_MS });
  await folder.write("ca.key", made.key, "owner");
  await folder.write("ca.crt", made.certificate, "everybody");
  return { certificate: new X509Certificate(made.certificate), key: createPrivateKey(made.key) };
}

interface ServerCertificate {
  readonly certificate: X509Certificate;
  /** Undefined: it is missing. */
  readonly key: KeyObject | undefined;
}

async function readServerCertificate(folder: SecretsFolder): Promise<ServerCertificate | undefined> {
  const [certificate, key] = [await folder.read("tls.crt"), await folder.read("tls.key")];
  if (certificate === undefined) return undefined;
  return { certificate: certificateOf(folder, "tls.crt", certificate), key: key === undefined ? undefined : keyOf(folder, "tls.key", key) };
}

/** Why it must be another one; undefined: it will do. */
function flawOf(
  { certificate, key }: ServerCertificate,
  authority: X509Certificate,
  hosts: readonly string[],
  nowMs: number,
): string | undefined {
  if (key === undefined || !certificate.checkPrivateKey(key)) return "tls.key is not its key";
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) return "it is not of ca.crt";
  const missing = hosts.find((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) === undefined);
  if (missing !== undefined) return `it is not for ${missing}`;
  return certificate.validToDate.getTime() - nowMs < RENEWED_BEFORE_END_MS ? `it ends on ${certificate.validTo}` : undefined;
}

function certificateOf(folder: SecretsFolder, name: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw cannot(folder, name, "is not a certificate in PEM", [], error);
  }
}

function keyOf(folder: SecretsFolder, name: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw cannot(folder, name, "is not a private key in PEM", [], error);
  }
}

function cannot(folder: SecretsFolder, name: string, reason: string, hints: readonly string[] = [], cause?: unknown): Failure {
  return new Failure("INVALID_REQUEST", `${join(folder.path, name)} ${reason}`, { hints, cause });
}
