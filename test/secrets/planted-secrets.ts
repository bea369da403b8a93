import { deriveCredential } from "@shadowfleet/wire";

/** Something that must never be seen, in every form in which it might be. */
export interface PlantedSecret {
  readonly name: string;
  readonly forms: readonly string[];
}

export const ADMIN_TOKEN = "planted-admin-token-a41f90c2";
export const VIEWER_TOKEN = "planted-viewer-token-b7730e15";
export const RELAY_TOKEN = "planted-relay-token-c09d4e8f";
export const WRONG_TOKEN = "planted-wrong-token-d2468ace";
export const REDIS_PASSWORD = "planted-redis-password-e13579bd";
export const OTHER_REDIS_PASSWORD = "planted-other-redis-password-f1";
export const SEALING_KEY = "planted-sealing-key-0123456789-abcdefghij";
export const LINK_SECRET = "planted-link-secret-0123456789-klmnopqrst";
export const USER_PASSWORD = "planted-user-password-17c3a5";
export const WRONG_USER_PASSWORD = "planted-wrong-user-password-9b";
export const CLASSIC_PASSWORD = "planted-classic-password-42fe";
export const KEY_PASSWORD = "planted-key-password-6d2b";
export const ROTATED_PASSWORD = "planted-rotated-password-77aa";
export const DATAGRAM_PASSWORD = "planted-datagram-password-3c";
export const REFUSED_SECRET = "planted-refused-secret-8e51";
export const MISPLACED_SECRET = "planted-misplaced-secret-5f04";
/** Pre-shared keys of SIP022: base64 of 32 bytes. */
export const IDENTITY_KEY = Buffer.from("planted identity key of 32 bytes").toString("base64");
export const DECLARED_KEY = Buffer.from("planted declared key of 32 bytes").toString("base64");
/** What webhooks are signed with, behind `whsec_`. */
export const WEBHOOK_KEY = Buffer.from("planted webhook key, of 32 bytes").toString("base64");

const SIP004 = "chacha20-ietf-poly1305";

/** All of the above. `pem` are private keys. */
export function plantedSecrets(pem: readonly Buffer[]): PlantedSecret[] {
  const texts = {
    ...{
      ADMIN_TOKEN,
      VIEWER_TOKEN,
      RELAY_TOKEN,
      WRONG_TOKEN,
      REDIS_PASSWORD,
      OTHER_REDIS_PASSWORD,
      SEALING_KEY,
      LINK_SECRET,
      USER_PASSWORD,
    },
    ...{ WRONG_USER_PASSWORD, CLASSIC_PASSWORD, KEY_PASSWORD, ROTATED_PASSWORD, DATAGRAM_PASSWORD, REFUSED_SECRET, MISPLACED_SECRET },
    ...{ IDENTITY_KEY, DECLARED_KEY, WEBHOOK_KEY },
  };
  const derived = [CLASSIC_PASSWORD, KEY_PASSWORD, ROTATED_PASSWORD, DATAGRAM_PASSWORD].map((password) => {
    const result = deriveCredential(SIP004, password);
    if (!result.ok) throw new Error(result.reason);
    return { name: `the key made of ${password}`, forms: formsOf(result.credential.key) };
  });
  const decoded = [IDENTITY_KEY, DECLARED_KEY, WEBHOOK_KEY].map((psk) => ({
    name: `the bytes of ${psk}`,
    forms: formsOf(Buffer.from(psk, "base64")),
  }));
  return [
    ...Object.entries(texts).map(([name, text]) => secretOf(name, text)),
    ...derived,
    ...decoded,
    ...pem.map((text, index) => ({ name: `private key ${index}`, forms: formsOfPem(text) })),
  ];
}

/** One that only shows itself at run time. */
export function secretOf(name: string, text: string): PlantedSecret {
  return { name, forms: [text, encodeURIComponent(text), ...formsOf(Buffer.from(text))] };
}

/** The secrets that a text or file holds, by name and form. */
export function secretsIn(haystack: string | Buffer, secrets: readonly PlantedSecret[]): string[] {
  const text = typeof haystack === "string" ? haystack : haystack.toString("latin1");
  return secrets.flatMap(({ name, forms }) => forms.filter((form) => text.includes(form)).map((form) => `${name} as ${form}`));
}

/** As text of single bytes, in hex, and in base64 wherever in a longer text it begins. */
export function formsOf(bytes: Buffer): string[] {
  const hex = bytes.toString("hex");
  const base64 = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // The first and last characters also hold bits of what stands around.
    const inner = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
  return [...new Set([bytes.toString("latin1"), hex, hex.toUpperCase(), ...base64])];
}

/** Two lines of its body, and the same as bytes. */
function formsOfPem(pem: Buffer): string[] {
  const lines = pem.toString().split("\n").slice(4, 6);
  return lines.flatMap((line) => [line, ...formsOf(Buffer.from(line, "base64"))]);
}
