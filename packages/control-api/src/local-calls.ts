import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { Metadata, type MethodDefinition, type ServiceDefinition, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Clock } from "@shadowfleet/runtime";
import type { Access } from "./access.ts";
import { type CallEnds, CallRecord, type TelemetryOptions } from "./call-record.ts";
import { type Caller, rememberCaller } from "./caller.ts";
import { RpcError, type RpcStatus, toRpcStatus } from "./rpc-error.ts";

/** Where handlers are registered: a gRPC server, the calls of this process, or both at once. */
export interface ServiceHost {
  /** Aborted when draining begins. */
  readonly stopping: AbortSignal;
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
}

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

export interface LocalCallsOptions extends TelemetryOptions {
  readonly access: Access;
}

/** One method of a generated service: `FleetServiceService.getFleet`. */
export type LocalMethod<Request, Response> = MethodDefinition<Request, Response>;

/** A call ended with another status than OK. */
export class LocalCallError extends Error {
  readonly status: RpcStatus;

  constructor(status: RpcStatus) {
    super(status.details);
    this.name = "LocalCallError";
    this.status = status;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: methods of all kinds are kept together; `unary` and `stream` give them their types back.
type AnyMethod = MethodDefinition<any, any>;

interface Entry {
  readonly method: AnyMethod;
  readonly serve: (call: unknown, callback?: (error: RpcStatus | null, response: unknown) => void) => void;
}

// setTimeout's longest wait.
const MAX_WAIT_MS = 2 ** 31 - 1;
/** Messages of a stream that may wait for a slow client. */
const STREAM_BUFFER = 16;

/** Calls the gRPC handlers of this process without gRPC: same access, same telemetry, same code behind. For doors that speak something else. */
export class LocalCalls {
  readonly #options: LocalCallsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #live = new Set<RunningCall>();

  constructor(options: LocalCallsOptions) {
    this.#options = options;
    options.access.onReplaced(() => {
      for (const running of [...this.#live]) running.endIfRevoked(options.access);
    });
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    for (const [name, method] of Object.entries(definition)) {
      const serve = implementation[name] as Entry["serve"] | undefined;
      if (serve) this.#entries.set(method.path, { method, serve });
    }
  }

  /** Every method there is. */
  get methods(): readonly AnyMethod[] {
    return [...this.#entries.values()].map(({ method }) => method);
  }

  /** Who would make the call; undefined where it would not get as far as its handler. */
  callerOf({ path }: Pick<AnyMethod, "path">, authorization: string | undefined): Caller | undefined {
    const caller = this.#options.access.admit(path, authorization);
    return caller instanceof RpcError ? undefined : caller;
  }

  /** Rejects with LocalCallError. */
  async unary<Request, Response>(method: MethodDefinition<Request, Response>, request: Request, call: LocalCall): Promise<Response> {
    const running = this.#begin(method.path, call);
    try {
      const response = await running.run(() => this.#answer(method, request, running));
      running.finish({ code: status.OK });
      return response as Response;
    } catch (error) {
      throw running.fail(error);
    } finally {
      this.#end(running);
    }
  }

  /** The messages of a server stream. Leaving the loop cancels the call. Rejects with LocalCallError. */
  async *stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    call: LocalCall,
  ): AsyncGenerator<Response, void> {
    const running = this.#begin(method.path, call);
    const stream = new PassThrough({ objectMode: true, highWaterMark: STREAM_BUFFER });
    // Handlers may report a failure to a stream that nobody reads any more.
    stream.on("error", () => {});
    const served = Object.assign(stream, running.callOf(method.path, request));
    running.signal.addEventListener("abort", () => {
      stream.emit("cancelled");
      stream.emit("error", running.signal.reason);
    });
    try {
      running.run(() => this.#entryOf(method.path).serve(served));
      for await (const message of stream) yield message as Response;
      running.finish({ code: status.OK });
    } catch (error) {
      throw running.fail(error);
    } finally {
      running.cancel();
      stream.destroy();
      this.#end(running);
    }
  }

  #answer(method: AnyMethod, request: unknown, running: RunningCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = Object.assign(new EventEmitter(), running.callOf(method.path, request));
      running.signal.addEventListener("abort", () => {
        call.emit("cancelled");
        reject(running.signal.reason);
      });
      this.#entryOf(method.path).serve(call, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  #entryOf(path: string): Entry {
    const entry = this.#entries.get(path);
    if (!entry) throw new Error(`no handler for ${path}`);
    return entry;
  }

  #begin(path: string, call: LocalCall): RunningCall {
    const running = new RunningCall(this.#options, path, call);
    const caller = this.#options.access.admit(path, call.authorization);
    if (caller instanceof RpcError) throw running.fail(toRpcStatus(caller));
    running.start(caller);
    this.#live.add(running);
    return running;
  }

  #end(running: RunningCall): void {
    this.#live.delete(running);
    running.close();
  }
}

/** One call from its beginning to its status. */
class RunningCall {
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
