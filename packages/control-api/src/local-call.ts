import { Metadata, status } from "@grpc/grpc-js";
import type { Clock } from "@shadowfleet/runtime";
import type { Access } from "./access.ts";
import { type CallEnds, CallRecord, type TelemetryOptions } from "./call-record.ts";
import { type Caller, rememberCaller } from "./caller.ts";
import { type RpcStatus, toRpcStatus } from "./rpc-error.ts";

/** What the door that takes a call knows of it. */
export interface LocalCall extends CallEnds {
  /** The value of the authorization header, if there was one. */
  readonly authorization: string | undefined;
  /** W3C trace context of the client, if it sent one. */
  readonly traceparent?: string | undefined;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** When the client stops waiting, milliseconds since 1970; Infinity when it never does. */
  readonly deadlineMs: number;
}

/** A call ended with another status than OK. */
export class LocalCallError extends Error {
  readonly status: RpcStatus;

  constructor(status: RpcStatus) {
    super(status.details);
    this.name = "LocalCallError";
    this.status = status;
  }
}

// setTimeout's longest wait.
const MAX_WAIT_MS = 2 ** 31 - 1;
/** One call from its beginning to its status. */
export class RunningCall {
  readonly #path: string;
  readonly #call: LocalCall;
  readonly #clock: Clock;
  readonly #record: CallRecord;
  readonly #metadata = new Metadata();
  readonly #over = new AbortController();
  readonly #cancel = (): void => this.cancel();
  #caller: Caller | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(telemetry: TelemetryOptions, path: string, call: LocalCall) {
    this.#path = path;
    this.#call = call;
    this.#clock = telemetry.clock;
    this.#record = new CallRecord(telemetry, path.slice(1), call);
    if (call.traceparent !== undefined) this.#metadata.set("traceparent", call.traceparent);
    this.#record.receive(this.#metadata);
  }

  /** Aborted, with the status as reason, when the call is over before its handler says so. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  start(caller: Caller): void {
    this.#caller = caller;
    rememberCaller(this.#metadata, caller);
    const { signal, deadlineMs } = this.#call;
    signal.addEventListener("abort", this.#cancel);
    if (signal.aborted) this.cancel();
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const late = (): void => this.#abort(bareStatus(status.DEADLINE_EXCEEDED, "not answered in the time the client gave"));
    this.#timer = setTimeout(late, Math.min(Math.max(deadlineMs - this.#clock.now(), 0), MAX_WAIT_MS));
  }

  /** What handlers read of a gRPC call. */
  callOf(path: string, request: unknown): object {
    return { request, metadata: this.#metadata, getDeadline: () => this.#call.deadlineMs, getPath: () => path };
  }

  run<T>(work: () => T): T {
    return this.#record.run(work);
  }

  cancel(): void {
    this.#abort(bareStatus(status.CANCELLED, "the client went away"));
  }

  endIfRevoked(access: Access): void {
    const reason = this.#caller && access.revoked(this.#path, this.#caller);
    if (reason) this.#abort(toRpcStatus(reason));
  }

  finish(outcome: Parameters<CallRecord["finish"]>[0]): void {
    this.#record.finish(outcome);
  }

  fail(error: unknown): LocalCallError {
    const outcome = isStatus(error) ? error : toRpcStatus(error);
    this.finish(outcome);
    return new LocalCallError(outcome);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#call.signal.removeEventListener("abort", this.#cancel);
    // A consumer that left the loop; a call that has its status already keeps it.
    this.finish({ code: status.CANCELLED });
  }

  #abort(outcome: RpcStatus): void {
    if (!this.#over.signal.aborted) this.#over.abort(outcome);
  }
}

function bareStatus(code: status, details: string): RpcStatus {
  return { code, details, metadata: new Metadata() };
}

function isStatus(error: unknown): error is RpcStatus {
  return typeof error === "object" && error !== null && "metadata" in error && error.metadata instanceof Metadata;
}
