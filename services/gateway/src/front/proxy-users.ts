import { createHash, timingSafeEqual } from "node:crypto";

/** A person allowed to use the gateway. An empty password means the name alone is enough, which is all SOCKS4 can carry. */
export interface ProxyUser {
  readonly name: string;
  readonly password: string;
}

const digest = (bytes: string | Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** The configured users. Comparing takes the same time wherever a password differs, and for names that do not exist. */
export class ProxyUsers {
  readonly #passwords: ReadonlyMap<string, Buffer>;
  readonly #nobody = digest("");

  constructor(users: readonly ProxyUser[]) {
    this.#passwords = new Map(users.map((user) => [user.name, digest(user.password)]));
  }

  /** False when nobody is configured: then everybody may come in. */
  get required(): boolean {
    return this.#passwords.size > 0;
  }

  /** The user's name if the password is right. Bytes as they came; names are compared as UTF-8. */
  admit(name: Uint8Array, password: Uint8Array): string | undefined {
    const text = Buffer.from(name).toString("utf8");
    const expected = this.#passwords.get(text);
    const right = timingSafeEqual(digest(password), expected ?? this.#nobody);
    return right && expected ? text : undefined;
  }
}
