import type { Metadata } from "@grpc/grpc-js";

/** Who makes a call. */
export interface Caller {
  /** The token's name in management's configuration; "anyone" where no token is asked. */
  readonly name: string;
}

export const ANYONE: Caller = { name: "anyone" };

// Beside the metadata and not in it: what a client sends can never pass for a caller.
const callers = new WeakMap<Metadata, Caller>();

export function rememberCaller(metadata: Metadata, caller: Caller): void {
  callers.set(metadata, caller);
}

/** Undefined before the call was authenticated. */
export function callerOf(metadata: Metadata): Caller | undefined {
  return callers.get(metadata);
}
