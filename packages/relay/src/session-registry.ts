import type { ErrorCode } from "@shadowfleet/runtime";
import type { KeyLimiter } from "./limits/key-limiter.ts";

/** A live TCP connection or UDP association of an access key. */
export interface LiveSession {
  /** Unique in this process. */
  readonly id: string;
  readonly keyId: string;
  /** The registry's: NOWHERE before it is added. */
  registryPlace: number;
  readonly port: number;
  readonly transport: "tcp" | "udp";
  readonly clientHost: string;
  readonly clientPort: number;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Payload bytes so far. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Ends it now under this code. */
  terminate(code: ErrorCode): void;
  /** Its key's lists of targets may have changed: ends it when its target is not admitted any more. Absent where each datagram is judged anyway. */
  recheckTarget?(): void;
  /** Its key has limits now, or has them no more. */
  followLimits?(limiter: KeyLimiter | undefined): void;
}

/** What is live in this process, by access key, so that a cut-off reaches every session of a key at once. */
export interface SessionRegistry {
  readonly size: number;
  add(session: LiveSession): void;
  remove(session: LiveSession): void;
  list(keyId?: string): readonly LiveSession[];
  /** Ends all sessions of the key; returns how many. */
  terminateKey(keyId: string, code: ErrorCode): number;
}
