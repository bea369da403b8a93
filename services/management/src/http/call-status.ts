import { detailsOf, fromServiceError, type RpcStatus, statusName } from "@shadowfleet/control-api";
import type { DoorFailure } from "./door.ts";

/** Connect's HTTP status of each gRPC status (connectrpc.com/docs/protocol, "Error codes"). */
const HTTP_STATUS: Readonly<Record<ReturnType<typeof statusName>, number>> = {
  OK: 200,
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/** A gRPC status as HTTP has it. */
export function failureOf(status: RpcStatus): DoorFailure {
  const name = statusName(status.code);
  return { httpStatus: HTTP_STATUS[name], code: connectCode(name), message: status.details, status };
}

/** Connect spells "canceled" with one l. */
function connectCode(name: string): string {
  return name === "CANCELLED" ? "canceled" : name.toLowerCase();
}

/** One detail in Connect's error form; `debug` is for people and for clients without the types. */
export interface ConnectDetail {
  readonly type: string;
  /** Base64 without padding. */
  readonly value: string;
  readonly debug?: object;
}

/** Connect's JSON of an error. */
export interface ConnectError {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly ConnectDetail[];
}

export function connectErrorOf(status: RpcStatus): ConnectError {
  const { code, message } = failureOf(status);
  const { code: reason, fields } = fromServiceError(status);
  const debugs: Readonly<Record<string, object>> = {
    "google.rpc.ErrorInfo": { reason, domain: "shadowfleet" },
    "google.rpc.BadRequest": { fieldViolations: fields },
  };
  const details = detailsOf(status).map(({ type, value }) => {
    const debug = debugs[type];
    return { type, value: Buffer.from(value).toString("base64").replace(/=+$/, ""), ...(debug && { debug }) };
  });
  return { code, message, ...(details.length > 0 && { details }) };
}
