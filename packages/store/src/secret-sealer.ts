import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { FleetError } from "@shadowfleet/runtime";

/** Protects secrets at rest, so that a dump of the store leaks nothing. */
export interface SecretSealer {
  seal(secret: string): string;
  /** Throws FleetError STORE_UNAVAILABLE when the text was sealed with another key. */
  open(stored: string): string;
}

const SEALED = "sealed:1:";
const PLAIN = "plain:";
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** Keeps secrets as they are. Sealed ones cannot be opened: the key is missing from the configuration. */
export const plainSealer: SecretSealer = {
  // What looks like a mark of ours is marked as plain, or a person could choose a password that no reader can open.
  seal: (secret) => (secret.startsWith(SEALED) || secret.startsWith(PLAIN) ? PLAIN + secret : secret),
  open: (stored) => {
    if (stored.startsWith(SEALED))
      throw new FleetError("STORE_UNAVAILABLE", "the store holds sealed secrets, but no sealing key is configured");
    return stored.startsWith(PLAIN) ? stored.slice(PLAIN.length) : stored;
  },
};

/** AES-256-GCM with a random nonce; stored as `sealed:1:` and base64 of nonce ‖ ciphertext ‖ tag. What was stored plain, before there was a key, is read too. */
export class AesSealer implements SecretSealer {
  readonly #key: KeyObject;

  /** Any text of the operator's; its SHA-256 is the key. Use at least 32 random characters. */
  constructor(operatorKey: string) {
    this.#key = createSecretKey(createHash("sha256").update(operatorKey).digest());
  }

  seal(secret: string): string {
    const nonce = randomBytes(NONCE_LENGTH);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const sealed = Buffer.concat([nonce, cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return SEALED + sealed.toString("base64");
  }

  open(stored: string): string {
    if (!stored.startsWith(SEALED)) return plainSealer.open(stored);
    const bytes = Buffer.from(stored.slice(SEALED.length), "base64");
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH });
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_LENGTH));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_LENGTH, bytes.length - TAG_LENGTH)), decipher.final()]).toString("utf8");
    } catch (error) {
      throw new FleetError("STORE_UNAVAILABLE", "a stored secret cannot be opened: it was sealed with another key", { cause: error });
    }
  }
}
