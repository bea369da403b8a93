/** What stands in the place of a secret, in logs and in a printed configuration. */
export const REDACTED = "<redacted>";

/** How far `redactFields` follows an object. */
export interface RedactionLimits {
  readonly maxDepth: number;
  /** Entries kept of one array or object; the rest is left out and counted. */
  readonly maxEntries: number;
}

const LOG_LIMITS: RedactionLimits = { maxDepth: 10, maxEntries: 100 };

// Compared without case and punctuation: `server_password`, `serverPassword` and `Server-Password` are one name.
const SECRET_SUFFIXES = ["password", "passwords", "passwd", "passphrase", "secret", "secrets", "psk", "psks", "token", "authorization"];
const SECRET_NAMES = new Set([
  "key",
  "privatekey",
  "apikey",
  "masterkey",
  "subkey",
  "presharedkey",
  "encryptionkey",
  "identitykey",
  "identitykeys",
  "identityhash",
  // They may hold a path or key that only the two plugins know.
  "pluginopts",
  "pluginoptions",
  "userinfo",
  "cookie",
  "setcookie",
]);

// An `ss://` URI up to white space or a quote; `\\.` keeps a JSON escape whole, so that a redacted line of JSON stays JSON.
const ACCESS_URI = /\bss:\/\/(?:[^\s"\\]|\\.)*/gi;
const URI_USERINFO = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/"\\?#<]*@/gi;
const AUTHORIZATION_HEADER = /\b(authorization\s*:\s*)(?:[^\s"\\]+ +)?[^\s"\\]+/gi;

/**
 * The text with the userinfo of every URI and the value of every authorization header replaced. An `ss://` URI keeps only what follows its
 * last "@"; without one (base64 of everything) nothing of it is kept.
 */
export function redactText(text: string): string {
  const withoutUris = text.includes("://") ? text.replace(ACCESS_URI, redactAccessUri).replace(URI_USERINFO, `$1${REDACTED}@`) : text;
  return withoutUris.replace(AUTHORIZATION_HEADER, `$1${REDACTED}`);
}

// The last "@", not the first: a password may hold one unescaped, and losing a tag is better than printing half a password.
function redactAccessUri(uri: string): string {
  const at = uri.lastIndexOf("@");
  return at < 0 ? `ss://${REDACTED}` : `ss://${REDACTED}${uri.slice(at)}`;
}

/** Whether a field of that name holds a secret whatever its value. */
export function isSecretName(name: string): boolean {
  const bare = name.toLowerCase().replace(/[^a-z0-9]/g, "");
  return SECRET_NAMES.has(bare) || SECRET_SUFFIXES.some((suffix) => bare.endsWith(suffix));
}

/**
 * A copy made of plain data in which fields with secret names, every binary value and URI userinfo are replaced. A credential becomes its
 * method name and a redacted key; errors keep type, message, code, stack and cause; functions and undefined fields are left out.
 */
export function redactFields(value: unknown, limits: RedactionLimits = LOG_LIMITS): unknown {
  return redactValue(value, limits, []);
}

function redactValue(value: unknown, limits: RedactionLimits, above: readonly object[]): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return REDACTED;
  if (above.includes(value)) return "<circular>";
  if (above.length >= limits.maxDepth) return "<deeper>";
  const path = [...above, value];
  if (value instanceof Error) return redactEntries(errorEntries(value), limits, path);
  if (Array.isArray(value)) return redactItems(value, limits, path);
  if (value instanceof Set) return redactItems([...value], limits, path);
  if (value instanceof Map) return redactEntries([...value].map(entryOfMap), limits, path);
  if (isCredential(value)) return { method: value.method.name, key: REDACTED };
  if ("toJSON" in value && typeof value.toJSON === "function") return redactValue(value.toJSON(), limits, path);
  return redactEntries(Object.entries(value), limits, path);
}

function redactItems(items: readonly unknown[], limits: RedactionLimits, path: readonly object[]): unknown[] {
  const kept = items.slice(0, limits.maxEntries).map((item) => redactValue(item, limits, path));
  if (items.length > limits.maxEntries) kept.push(`<${items.length - limits.maxEntries} more>`);
  return kept;
}

function redactEntries(entries: readonly [string, unknown][], limits: RedactionLimits, path: readonly object[]): Record<string, unknown> {
  const kept = entries.slice(0, limits.maxEntries).map(([name, value]) => [name, redactField(name, value, limits, path)] as const);
  if (entries.length > limits.maxEntries) kept.push(["<more>", entries.length - limits.maxEntries]);
  // fromEntries defines, so that a field named __proto__ stays a field.
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
}

function redactField(name: string, value: unknown, limits: RedactionLimits, path: readonly object[]): unknown {
  if (value === undefined || value === null || typeof value === "boolean" || typeof value === "function")
    return redactValue(value, limits, path);
  if (!isSecretName(name)) return redactValue(value, limits, path);
  // `key` may also name an access key: an object, whose own secret fields are redacted by their names.
  return name === "key" && isRecord(value) ? redactValue(value, limits, path) : REDACTED;
}

function isRecord(value: unknown): value is object {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)
  );
}

function isCredential(value: object): value is { readonly method: { readonly name: string } } {
  const { method, key } = value as { method?: unknown; key?: unknown };
  return ArrayBuffer.isView(key) && typeof method === "object" && method !== null && "name" in method && typeof method.name === "string";
}

function entryOfMap([key, value]: [unknown, unknown]): [string, unknown] {
  return [String(key), value];
}

function errorEntries(error: Error): [string, unknown][] {
  const { name, message, stack, cause, errors } = error as Error & { readonly errors?: unknown };
  const own = Object.entries(error).filter(([field]) => field !== "name" && field !== "message" && field !== "stack");
  return [["type", name], ["message", message], ...own, ["stack", stack], ["cause", cause], ["errors", errors]];
}
