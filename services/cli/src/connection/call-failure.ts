import type { ServiceError } from "@grpc/grpc-js";
import { fromServiceError } from "@shadowfleet/control-api";
import { Failure } from "../failure.ts";
import { type Attempt, explainUnreachable } from "./unreachable.ts";

/** What to do about an answer, by its code. */
const HINTS: Readonly<Record<string, string>> = {
  NOT_AUTHENTICATED: "Give a token: --token-file FILE, SHADOWFLEET_TOKEN_FILE, or `tokenFile` in the settings file.",
  NOT_PERMITTED: "Use a token of a role that may do this.",
  VERSION_CONFLICT: "Somebody changed it at the same time: look again, then repeat.",
  DECLARED_READ_ONLY: "It is declared in management's configuration file: change it there.",
  STORE_UNAVAILABLE: "Management runs, but its store does not answer: nothing can be changed until it does.",
  SERVER_STOPPING: "Repeat it: another replica, or the restarted one, will answer.",
  UNIMPLEMENTED: "The management there is older than this command: update it.",
};

/** No answer came. Another replica may be asked, even if this one did it after all: what creates carries a request id, the rest can be repeated. */
export function isUnserved(error: unknown): boolean {
  if (!isServiceError(error)) return false;
  const { status, code, message } = fromServiceError(error);
  // What grpc-js calls a deadline that passed before there was a connection.
  if (status === "DEADLINE_EXCEEDED") return /waiting for LB pick/i.test(message);
  return status === "UNAVAILABLE" && (code === "UNAVAILABLE" || code === "SERVER_STOPPING");
}

/** What the command ends with when a call threw this: a Failure, or the very error when it was no answer to a call. */
export function explainCallFailure(error: unknown, attempt: Attempt): unknown {
  if (!isServiceError(error)) return error;
  const { code, status, message, fields } = fromServiceError(error);
  // Without one of our codes it was not management that said so.
  const isOurs = code !== status;
  if (!isOurs && (status === "UNAVAILABLE" || status === "DEADLINE_EXCEEDED")) {
    const { reason, hints } = explainUnreachable(message, attempt);
    return new Failure(status, `no answer from management at ${attempt.address}: ${reason}`, { hints, cause: error });
  }
  const hint = HINTS[code];
  return new Failure(code, message, { fields, cause: error, ...(hint === undefined ? {} : { hints: [hint] }) });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === "number" && "details" in error;
}
