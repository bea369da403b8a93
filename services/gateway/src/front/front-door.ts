import type { ErrorCode } from "@shadowfleet/runtime";
import type { TargetAddress } from "@shadowfleet/wire";
import type { BodyScanner } from "./http-body.ts";

/** What a client asks the gateway for, whichever protocol it spoke. */
export interface ProxyRequest {
  /** "associate" is SOCKS5's UDP ASSOCIATE; its `target` is where the client says it will send datagrams from. */
  readonly command: "connect" | "associate";
  readonly target: TargetAddress;
  /** The name the client proved; undefined when no users are configured. */
  readonly user: string | undefined;
  /** What goes up first: bytes pipelined behind the request, for plain HTTP the rewritten head and what came of its body. Owned by the receiver. */
  readonly payload: Buffer;
  /** Plain HTTP only: where the request's body ends, so that nothing behind it reaches the origin. */
  readonly body: BodyScanner | undefined;
}

/** What one read led to. `reply` is to be sent to the client at once; it may be empty. */
export type FrontStep =
  | { readonly kind: "more"; readonly reply: Buffer }
  | { readonly kind: "request"; readonly reply: Buffer; readonly request: ProxyRequest }
  | { readonly kind: "refused"; readonly reply: Buffer; readonly code: ErrorCode };

/** One proxy protocol's side of one client connection: a state machine over bytes, without I/O. */
export interface FrontDoor {
  readonly protocol: "socks5" | "socks4" | "http";
  /** Takes what one read brought, however it was split. After "request" or "refused" it is not called again. */
  push(src: Buffer, start: number, end: number): FrontStep;
  /** Says that the request is granted; `bound` is the UDP port's address for an association. Empty where the protocol says nothing (plain HTTP). */
  granted(bound: TargetAddress | undefined): Buffer;
  /** Says that the request failed for this reason. Only before `granted`. */
  failed(code: ErrorCode): Buffer;
}

export const NOTHING = Buffer.alloc(0);
