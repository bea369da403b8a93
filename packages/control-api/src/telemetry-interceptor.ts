import { type Metadata, ServerInterceptingCall, type ServerInterceptingCallInterface, type ServerInterceptor, status } from "@grpc/grpc-js";
import { type Clock, ERROR_CODES, type ErrorCode, errorEntry, type Logger, type LogLevel, type Metrics } from "@shadowfleet/runtime";
import { neededRole } from "./access.ts";
import { CallSpan, type ServerAddress } from "./call-span.ts";
import { callerOf } from "./caller.ts";
import { type CallFailure, fromServiceError, statusName } from "./rpc-error.ts";

export interface TelemetryOptions {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Measures and traces every call and writes a line for each that failed, and for each that changed something or showed a secret. Goes first in
 * the list, so that it sees what the others refuse.
 */
export function telemetryInterceptor(options: TelemetryOptions): ServerInterceptor {
  return (method, call) => {
    const record = new CallRecord(options, method.path.slice(1), call);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            record.receive(metadata);
            record.run(() => pass(metadata));
          },
          onReceiveMessage: (message, pass) => record.run(() => pass(message)),
          onReceiveHalfClose: (pass) => record.run(pass),
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
  readonly #server: ServerAddress;
  readonly #startedAt: number;
  #received: Metadata | undefined;
  #span: CallSpan | undefined;
  #isOver = false;

  constructor(options: TelemetryOptions, method: string, call: ServerInterceptingCallInterface) {
    this.#options = options;
    this.#method = method;
    const { localAddress, localPort } = call.getConnectionInfo();
    this.#peer = call.getPeer();
    this.#server = { host: localAddress, port: localPort };
    this.#startedAt = options.clock.monotonic();
  }

  receive(metadata: Metadata): void {
    this.#received = metadata;
    this.#span = CallSpan.ofServer(this.#method, this.#server, metadata);
  }

  /** What comes from the network comes in no context: each event of the call goes on in the call's own. */
  run<T>(work: () => T): T {
    return this.#span ? this.#span.run(work) : work();
  }

  /** The first outcome counts. */
  finish(outcome: CallOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.run(() => this.#tell(outcome));
    this.#span?.end(outcome.code ?? status.UNKNOWN);
  }

  #tell({ code, details, metadata }: CallOutcome): void {
    const { metrics, clock, logger } = this.#options;
    const seconds = (clock.monotonic() - this.#startedAt) / 1000;
    const name = statusName(code ?? status.UNKNOWN);
    metrics.record("rpc.server.call.duration.seconds", seconds, { "rpc.method": this.#method, "rpc.status_code": name });
    if (name === "OK" && neededRole(`/${this.#method}`) === "admin") logger.info(this.#fields(seconds), "call served");
    if (name === "OK" || name === "CANCELLED") return;
    this.#log(fromServiceError({ code: code ?? status.UNKNOWN, details: details ?? "", ...(metadata ? { metadata } : {}) }), seconds);
  }

  #log({ code, status: name, message }: CallFailure, seconds: number): void {
    this.#options.logger[levelOf(code)]({ code, status: name, ...this.#fields(seconds) }, `call failed: ${message}`);
  }

  #fields(seconds: number): Readonly<Record<string, string | number>> {
    const caller = this.#received && callerOf(this.#received)?.name;
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
