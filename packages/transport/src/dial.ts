import type { ErrorCode } from "@shadowfleet/runtime";
import type { Connection } from "./connection.ts";
import type { Resolver } from "./resolver.ts";

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** Budget for resolving and connecting together. */
  readonly timeoutMs: number;
  readonly resolver: Resolver;
  /** Target guard: asked about every resolved address; only admitted ones are dialled, exactly as checked (no second look-up). Default: all. */
  readonly admit?: (address: string) => boolean;
  /** Gives up: an open attempt is closed and the result is `SESSION_TERMINATED`. */
  readonly signal?: AbortSignal;
}

export type DialResult =
  | { readonly ok: true; readonly connection: Connection; readonly address: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly cause: Error | undefined };
