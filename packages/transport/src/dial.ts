import { isIP } from "node:net";
import type { ErrorCode } from "@shadowfleet/runtime";
import { AddressDial } from "./address-dial.ts";
import type { Connection } from "./connection.ts";
import type { DialFailure } from "./dial-failure.ts";
import { NameDial } from "./name-dial.ts";
import type { Resolution, Resolver } from "./resolver.ts";

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** Budget for resolving and connecting together. */
  readonly timeoutMs: number;
  readonly resolver: Resolver;
  /** Target guard: asked about every resolved address; only admitted ones are dialled, exactly as checked (no second look-up). Default: all. */
  readonly admit?: (address: string) => boolean;
}

export type DialResult =
  | { readonly ok: true; readonly connection: Connection; readonly address: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly cause: Error | undefined };

/** Told how a dial ended: once, never before `startDial` has returned, and not at all after `cancel`. */
export type OnDialled = (result: DialResult) => void;

export interface Dial {
  /** Gives up: open attempts are closed and nothing is told. Without effect once it was told how it ended. */
  cancel(): void;
}

const MAX_PORT = 65_535;

/**
 * Resolves and connects: Happy Eyeballs v2 (RFC 8305) over the admitted addresses, in the resolver's order. No admitted address: TARGET_FORBIDDEN; a port
 * outside 1 to 65,535: DIAL_FAILED. The connection does not read yet, and whoever is told owns it.
 */
export function startDial(options: DialOptions, onDone: OnDialled): Dial {
  const { host, port, timeoutMs, resolver, admit } = options;
  if (!(port >= 1 && port <= MAX_PORT)) return refuse("DIAL_FAILED", new RangeError(`port ${port} cannot be dialled`), onDone);
  const isLiteral = isIP(host) !== 0;
  const known = isLiteral ? undefined : resolver.peek(host);
  const address = isLiteral ? host : onlyAddress(known);
  if (address === undefined) return new NameDial(options, known, onDone);
  if (admit !== undefined && !admit(address)) return refuse("TARGET_FORBIDDEN", undefined, onDone);
  return new AddressDial(address, port, timeoutMs, onDone);
}

function onlyAddress(resolution: Resolution | undefined): string | undefined {
  return resolution?.ok && resolution.addresses.length === 1 ? resolution.addresses[0]?.address : undefined;
}

function refuse(code: DialFailure["code"], cause: Error | undefined, onDone: OnDialled): Dial {
  let isCancelled = false;
  queueMicrotask(() => {
    if (!isCancelled) onDone({ ok: false, code, cause });
  });
  return {
    cancel() {
      isCancelled = true;
    },
  };
}
