import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { ATYP_DOMAIN, addressFrom, addressLength, writeAddress } from "@shadowfleet/wire";
import { bitString, booleanTrue, explicit, implicit, integer, objectId, octetString, sequence, setOf, time, utf8String } from "./der.ts";

/** PEM texts that belong together. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate says. Times are milliseconds since 1970. */
export interface CertificateFacts {
  readonly name: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** An authority that certificates come from. */
export interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
}

const ECDSA_WITH_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));
const COMMON_NAME = objectId("2.5.4.3");
const SERVER_AUTH = objectId("1.3.6.1.5.5.7.3.1");
const EXTENSION = {
  subjectKeyId: objectId("2.5.29.14"),
  keyUsage: objectId("2.5.29.15"),
  subjectAltName: objectId("2.5.29.17"),
  basicConstraints: objectId("2.5.29.19"),
  authorityKeyId: objectId("2.5.29.35"),
  extKeyUsage: objectId("2.5.29.37"),
} as const;
const V3 = explicit(0, integer(Buffer.of(2)));
const CERT_AND_CRL_SIGN = bitString(Buffer.of(0b0000_0110), 1);
const DIGITAL_SIGNATURE = bitString(Buffer.of(0b1000_0000), 7);
const SAN_DNS = 2;
const SAN_IP = 7;
const SERIAL_LENGTH = 16;
const KEY_ID_LENGTH = 20;

/** A self-signed authority (RFC 5280) that signs certificates of servers and no further authorities. */
export function createAuthority(facts: CertificateFacts): CertificateAndKey {
  const { publicKey, privateKey } = newKeys();
  const extensions = [
    critical(EXTENSION.basicConstraints, sequence(booleanTrue, integer(Buffer.of(0)))),
    critical(EXTENSION.keyUsage, CERT_AND_CRL_SIGN),
    extension(EXTENSION.subjectKeyId, octetString(keyIdOf(publicKey))),
  ];
  return signed(facts, publicKey, privateKey, extensions, { name: facts.name, key: privateKey });
}

/** A server's certificate for these names and addresses. Names have to be in their ASCII form. */
export function issueServerCertificate(facts: CertificateFacts, hosts: readonly string[], issuer: Issuer): CertificateAndKey {
  const { publicKey, privateKey } = newKeys();
  const extensions = [
    critical(EXTENSION.basicConstraints, sequence()),
    critical(EXTENSION.keyUsage, DIGITAL_SIGNATURE),
    extension(EXTENSION.extKeyUsage, sequence(SERVER_AUTH)),
    extension(EXTENSION.subjectAltName, sequence(...hosts.map(generalName))),
    extension(EXTENSION.subjectKeyId, octetString(keyIdOf(publicKey))),
    extension(EXTENSION.authorityKeyId, sequence(implicit(0, keyIdOf(createPublicKey(issuer.key))))),
  ];
  return signed(facts, publicKey, privateKey, extensions, issuer);
}

function newKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function signed(
  { name, notBeforeMs, notAfterMs }: CertificateFacts,
  publicKey: KeyObject,
  privateKey: KeyObject,
  extensions: readonly Buffer[],
  issuer: Issuer,
): CertificateAndKey {
  const body = sequence(
    V3,
    integer(randomBytes(SERIAL_LENGTH)),
    ECDSA_WITH_SHA256,
    commonName(issuer.name),
    sequence(time(notBeforeMs), time(notAfterMs)),
    commonName(name),
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions)),
  );
  const certificate = sequence(body, ECDSA_WITH_SHA256, bitString(sign("sha256", body, issuer.key)));
  return { certificate: pem(certificate), key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

const commonName = (name: string): Buffer => sequence(setOf(sequence(COMMON_NAME, utf8String(name))));

const extension = (id: Buffer, content: Buffer): Buffer => sequence(id, octetString(content));

const critical = (id: Buffer, content: Buffer): Buffer => sequence(id, booleanTrue, octetString(content));

function generalName(host: string): Buffer {
  const address = addressFrom(host, 0);
  if (!address) throw new RangeError("not a host name or IP address");
  if (address.type === ATYP_DOMAIN) return implicit(SAN_DNS, Buffer.from(address.host));
  const bytes = Buffer.alloc(addressLength(address));
  const end = writeAddress(address, bytes, 0);
  // The address alone, without its type and port.
  return implicit(SAN_IP, bytes.subarray(1, end - 2));
}

/** RFC 7093 §2: any value that goes with the key. */
function keyIdOf(publicKey: KeyObject): Buffer {
  const der = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest().subarray(0, KEY_ID_LENGTH);
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
