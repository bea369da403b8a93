import type { ErrorCode } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";
import type { FrontDoor, ProxyRequest } from "../front/front-door.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** What a served request leaves behind. */
export interface TunnelResult {
  readonly code: "OK" | ErrorCode;
  readonly upstreamId: string | undefined;
  /** Payload bytes. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** What a tunnel is made from. */
export interface TunnelOptions {
  readonly client: Connection;
  readonly door: FrontDoor;
  readonly request: ProxyRequest;
  readonly context: GatewayContext;
  readonly owner: TunnelOwner;
}

export interface TunnelOwner {
  /** Exactly once, when the client's connection is closed. */
  tunnelDone(result: TunnelResult): void;
}

/** A granted request being served: a TCP stream or a UDP association. It has the client's connection, and reports once when that is closed. */
export interface Tunnel {
  start(): void;
  /** Ends it now under this code. */
  terminate(code: ErrorCode): void;
}
