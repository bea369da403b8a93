import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { type Clock, ERROR_CODES, type ErrorCode, errorEntry, type Logger, type LogLevel, type Metrics } from "@shadowfleet/runtime";
import { type Access, neededRole } from "./access.ts";
import { callerOf, rememberCaller } from "./caller.ts";
import { type CallFailure, fromServiceError, RpcError, statusName, toRpcStatus } from "./rpc-error.ts";

/** Lets a call through when its token's role allows the method. Takes the token out of what handlers and logs see. */
export function authInterceptor(access: Access): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const [authorization] = metadata.get("authorization");
            metadata.remove("authorization");
            const caller = access.admit(method.path, authorization?.toString());
            if (caller instanceof RpcError) {
              call.sendStatus(toRpcStatus(caller));
              return;
            }
            rememberCaller(metadata, caller);
            pass(metadata);
          },
        }),
    });
}

export interface TelemetryOptions {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Measures every call and writes a line for each that failed, and for each that changed something or showed a secret. Goes first in the list, so that it sees what the others refuse. */
export function telemetryInterceptor(options: TelemetryOptions): ServerInterceptor {
  return (method, call) => {
    const record = new CallRecord(options, method.path.slice(1), call.getPeer());
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            record.received = metadata;
            pass(metadata);
          },
          // Also called after a status was sent, and when grpc-js itself gave up at the deadline.
          onCancel: () => record.finish({ code: isPast(call.getDeadline(), options.clock) ? status.DEADLINE_EXCEEDED : status.CANCELLED }),
        }),
      sendStatus: (outcome, next) => {
        record.finish(outcome);
        next(outcome);
      },
    });
  };
}

/** A status as grpc-js passes it: nothing is sure to be there. */
interface CallOutcome {
  readonly code?: number | null | undefined;
  readonly details?: string | null | undefined;
  readonly metadata?: Metadata | null | undefined;
}

class CallRecord {
  readonly #options: TelemetryOptions;
  readonly #method: string;
  readonly #peer: string;
  readonly #startedAt: number;
  #isOver = false;
  received: Metadata | undefined;

  constructor(options: TelemetryOptions, method: string, peer: string) {
    this.#options = options;
    this.#method = method;
    this.#peer = peer;
    this.#startedAt = options.clock.monotonic();
  }

  /** The first outcome counts. */
  finish({ code, details, metadata }: CallOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { metrics, clock } = this.#options;
    const seconds = (clock.monotonic() - this.#startedAt) / 1000;
    const name = statusName(code ?? status.UNKNOWN);
    metrics.record("rpc.server.call.duration.seconds", seconds, { "rpc.method": this.#method, "rpc.status_code": name });
    if (name === "OK" && neededRole(`/${this.#method}`) === "admin") this.#options.logger.info(this.#fields(seconds), "call served");
    if (name === "OK" || name === "CANCELLED") return;
    this.#log(fromServiceError({ code: code ?? status.UNKNOWN, details: details ?? "", ...(metadata ? { metadata } : {}) }), seconds);
  }

  #log({ code, status: name, message }: CallFailure, seconds: number): void {
    this.#options.logger[levelOf(code)]({ code, status: name, ...this.#fields(seconds) }, `call failed: ${message}`);
  }

  #fields(seconds: number): Readonly<Record<string, string | number>> {
    const caller = this.received && callerOf(this.received)?.name;
    return { method: this.#method, peer: this.#peer, seconds, ...(caller === undefined ? {} : { caller }) };
  }
}

// The client gives up by its own clock, and its cancellation may be here before our timer.
const DEADLINE_SLACK_MS = 50;

function isPast(deadline: number | Date, clock: Clock): boolean {
  return clock.now() >= Number(deadline) - DEADLINE_SLACK_MS;
}

/** Of the registry; a status without a code of ours is grpc-js's own, such as a deadline that passed. */
function levelOf(code: string): LogLevel {
  return code in ERROR_CODES ? errorEntry(code as ErrorCode).level : "info";
}
