import type { RpcStatus } from "@shadowfleet/control-api";
import type { FastifyInstance } from "fastify";

/** One way in over HTTP. */
export interface Door {
  /** In metrics and logs. */
  readonly name: "json" | "sip008" | "ssm" | "outline" | "console";
  /** Registers its routes, all below paths of its own. Content type parsers and hooks stay inside. */
  routes(server: FastifyInstance): void;
  /** The body of an answer that is no success, in the form this door's clients read. */
  errorBody(failure: DoorFailure): object;
}

/** Why a request was not served. */
export interface DoorFailure {
  readonly httpStatus: number;
  /** As Connect and gRPC name it: "not_found". */
  readonly code: string;
  /** For a person; never quotes a secret or a path. */
  readonly message: string;
  /** Of the call behind it, where there was one. */
  readonly status?: RpcStatus;
}

/** A request that ends with this status; thrown by doors. */
export class DoorError extends Error implements DoorFailure {
  readonly httpStatus: number;
  readonly code: string;

  constructor({ httpStatus, code, message }: DoorFailure) {
    super(message);
    this.name = "DoorError";
    this.httpStatus = httpStatus;
    this.code = code;
  }
}
