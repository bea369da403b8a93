/** How a method protects a stream: SIP004 AEAD, SIP022 AEAD-2022, or the ancestor's unauthenticated stream ciphers. */
export type MethodKind = "aead" | "aead-2022" | "stream";

/** One encryption method. All lengths are bytes. */
export interface Method {
  readonly name: string;
  readonly kind: MethodKind;
  readonly keyLength: number;
  /** Salt in front of a TCP stream or SIP004 packet; the IV for stream methods. */
  readonly saltLength: number;
  /** AEAD tag; 0 for stream methods. */
  readonly tagLength: number;
  /** Largest payload of one TCP chunk; 0 for stream methods, which have no chunks. */
  readonly maxChunk: number;
  /** SIP023 identity headers exist for the AES methods of SIP022 only. */
  readonly identityHeaders: boolean;
}

const aead = (name: string, keyLength: number): Method => ({
  name,
  kind: "aead",
  keyLength,
  saltLength: keyLength,
  tagLength: 16,
  maxChunk: 0x3fff,
  identityHeaders: false,
});

const aead2022 = (name: string, keyLength: number, identityHeaders: boolean): Method => ({
  name,
  kind: "aead-2022",
  keyLength,
  saltLength: keyLength,
  tagLength: 16,
  maxChunk: 0xffff,
  identityHeaders,
});

const stream = (name: string, keyLength: number, ivLength: number): Method => ({
  name,
  kind: "stream",
  keyLength,
  saltLength: ivLength,
  tagLength: 0,
  maxChunk: 0,
  identityHeaders: false,
});

/** Every method that can be used, in the order documentation lists them. */
export const METHODS: readonly Method[] = [
  aead("aes-128-gcm", 16),
  aead("aes-192-gcm", 24),
  aead("aes-256-gcm", 32),
  aead("chacha20-ietf-poly1305", 32),
  aead("xchacha20-ietf-poly1305", 32),
  aead2022("2022-blake3-aes-128-gcm", 16, true),
  aead2022("2022-blake3-aes-256-gcm", 32, true),
  aead2022("2022-blake3-chacha20-poly1305", 32, false),
  stream("aes-128-cfb", 16, 16),
  stream("aes-192-cfb", 24, 16),
  stream("aes-256-cfb", 32, 16),
  stream("aes-128-ctr", 16, 16),
  stream("aes-192-ctr", 24, 16),
  stream("aes-256-ctr", 32, 16),
  stream("chacha20", 32, 8),
  stream("chacha20-ietf", 32, 12),
  stream("salsa20", 32, 8),
  stream("rc4-md5", 16, 16),
  stream("rc4-md5-6", 16, 6),
];

const byName = new Map(METHODS.map((method) => [method.name, method]));

/** Other spellings in use: the AEAD names of SIP004's text and OpenSSL's name for the mandatory method. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["aead_aes_128_gcm", "aes-128-gcm"],
  ["aead_aes_192_gcm", "aes-192-gcm"],
  ["aead_aes_256_gcm", "aes-256-gcm"],
  ["aead_chacha20_poly1305", "chacha20-ietf-poly1305"],
  ["chacha20-poly1305", "chacha20-ietf-poly1305"],
]);

/** The method of that name (case does not matter, aliases are known), or undefined. */
export function findMethod(name: string): Method | undefined {
  const lower = name.toLowerCase();
  return byName.get(ALIASES.get(lower) ?? lower);
}

const BETTER = "use chacha20-ietf-poly1305 or 2022-blake3-aes-256-gcm";

const REFUSED: ReadonlyMap<string, string> = new Map([
  ["des-cfb", `des-cfb is not available: DES is broken and gone from OpenSSL's default provider; ${BETTER}`],
  ["bf-cfb", `bf-cfb is not available: Blowfish has 64-bit blocks and is gone from OpenSSL's default provider; ${BETTER}`],
  ["cast5-cfb", `cast5-cfb is not available: CAST5 has 64-bit blocks and is gone from OpenSSL's default provider; ${BETTER}`],
  ["rc4", `rc4 is not available: the same key stream would repeat on every connection; ${BETTER}`],
  ["table", `table is not available: it is a fixed byte substitution, not encryption; ${BETTER}`],
]);

/** Why a method name cannot be used: names the reason and a better method. Undefined when it can be used. */
export function explainUnavailable(name: string): string | undefined {
  if (findMethod(name)) return undefined;
  const lower = name.toLowerCase();
  if (lower.endsWith("-auth")) return `${name} asks for one-time auth, which was removed as insecure; ${BETTER}`;
  return REFUSED.get(lower) ?? `unknown method "${name}"; ${BETTER}`;
}
