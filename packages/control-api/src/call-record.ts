import { type Metadata, status } from "@grpc/grpc-js";
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

/** A status as grpc-js passes it: nothing is sure to be there. */
interface CallOutcome {
  readonly code?: number | null | undefined;
  readonly details?: string | null | undefined;
  readonly metadata?: Metadata | null | undefined;
}

/** Both ends of a call. */
export interface CallEnds {
  /** The client's address, for logs. */
  readonly peer: string;
  readonly server: ServerAddress;
}

/** What is measured, traced and logged of one call, however it came in. */
export class CallRecord {
  readonly #options: TelemetryOptions;
  readonly #method: string;
  readonly #peer: string;
  readonly #server: ServerAddress;
  readonly #startedAt: number;
  #received: Metadata | undefined;
  #span: CallSpan | undefined;
  #isOver = false;

  /** `method` has no leading slash. */
  constructor(options: TelemetryOptions, method: string, { peer, server }: CallEnds) {
    this.#options = options;
    this.#method = method;
    this.#peer = peer;
    this.#server = server;
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

/** Of the registry; a status without a code of ours is grpc-js's own, such as a deadline that passed. */
function levelOf(code: string): LogLevel {
  return code in ERROR_CODES ? errorEntry(code as ErrorCode).level : "info";
}
