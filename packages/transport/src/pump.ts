import type { ErrorCode } from "@shadowfleet/runtime";
import type { StreamTransform } from "@shadowfleet/wire";
import type { Connection } from "./connection.ts";

/** Payload bytes by direction, named from the client: up is client to target. Plain fields: added to on every read, read at flush or scrape. */
export interface ByteMeter {
  up: number;
  down: number;
}

export interface PumpOptions {
  readonly client: Connection;
  /** The far side: the target in a relay, the upstream relay in a gateway. */
  readonly target: Connection;
  /** Applied client to target; undefined copies. */
  readonly up: StreamTransform | undefined;
  /** Applied target to client; undefined copies. */
  readonly down: StreamTransform | undefined;
  /** Which side carries plaintext, so that payload bytes are counted there: "target" in a relay, "client" in a gateway. */
  readonly plainSide: "client" | "target";
  /** Counted live, as bytes move. */
  readonly meter: ByteMeter;
  /** Payload bytes already sent up before the pump started (with the request); counted with the rest. */
  readonly carriedUp: number;
  /** Ends with IDLE_TIMEOUT when nothing moves for so long in either direction. 0: never. */
  readonly idleTimeoutMs: number;
  /** Exactly once, when both connections are closed. */
  readonly onDone: (result: PumpResult) => void;
}

export interface PumpResult {
  readonly outcome: "OK" | ErrorCode;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A running two-way relay between two connections: backpressure, half-close kept both ways, bounded memory. */
export interface Pump {
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Closes both sides now; `onDone` reports this code. */
  terminate(code: ErrorCode): void;
}
