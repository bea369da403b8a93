import type { ErrorCode } from "@shadowfleet/runtime";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolution =
  | { readonly ok: true; readonly addresses: readonly ResolvedAddress[] }
  | { readonly ok: false; readonly code: ErrorCode; readonly cause: Error | undefined };

/** Names to addresses, with a bounded cache; literal addresses resolve to themselves at once. */
export interface Resolver {
  resolve(host: string): Promise<Resolution>;
  /** The answer if it is known without waiting (literal or cached), else undefined. For the UDP path. */
  peek(host: string): Resolution | undefined;
  /** The addresses of the name led nowhere: the next `resolve` asks anew, and they serve on only if that fails. Nothing to do without a cache. */
  doubt?(host: string): void;
}
