/** An implementation under measurement: a SOCKS5 proxy that speaks Shadowsocks, and the relay it speaks to. */
export interface Side {
  readonly name: string;
  /** Undefined: it can run here. Otherwise what is missing. */
  readonly missing: string | undefined;
  /** For the report, such as "shadowsocks-libev 3.3.5". */
  version(): Promise<string>;
  supports(method: string): boolean;
  /** Starts both hops and waits until they serve TCP and UDP. */
  start(method: string): Promise<Stack>;
}

/** A running side for one method. `await using` stops its processes. */
export interface Stack extends AsyncDisposable {
  readonly proxyPort: number;
  readonly localPid: number;
  /** The same process for both where the implementation has one. */
  readonly serverPid: { readonly tcp: number; readonly udp: number };
}

/** Long enough for held connections to outlive any scenario. */
export const IDLE_TIMEOUT_SECONDS = 600;

const KEY_LENGTHS: Readonly<Record<string, number>> = { "2022-blake3-aes-128-gcm": 16, "2022-blake3-aes-256-gcm": 32 };

/** A secret that the method accepts: SIP022 wants base64 of as many bytes as the key has, the others take any password. */
export function secretFor(method: string): string {
  const length = KEY_LENGTHS[method];
  return length === undefined ? "a password for the benchmark" : Buffer.alloc(length, 7).toString("base64");
}

/** Stops all of them, also when stopping one fails. */
export async function disposeAll(resources: readonly AsyncDisposable[]): Promise<void> {
  const results = await Promise.allSettled(resources.map((resource) => resource[Symbol.asyncDispose]()));
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}
