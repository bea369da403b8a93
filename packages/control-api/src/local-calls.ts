import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { type MethodDefinition, type ServiceDefinition, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Access } from "./access.ts";
import type { TelemetryOptions } from "./call-record.ts";
import type { Caller } from "./caller.ts";
import { type LocalCall, RunningCall } from "./local-call.ts";
import { RpcError, type RpcStatus, toRpcStatus } from "./rpc-error.ts";

/** Where handlers are registered: a gRPC server, the calls of this process, or both at once. */
export interface ServiceHost {
  /** Aborted when draining begins. */
  readonly stopping: AbortSignal;
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
}

export interface LocalCallsOptions extends TelemetryOptions {
  readonly access: Access;
}

/** One method of a generated service: `FleetServiceService.getFleet`. */
export type LocalMethod<Request, Response> = MethodDefinition<Request, Response>;

// biome-ignore lint/suspicious/noExplicitAny: methods of all kinds are kept together; `unary` and `stream` give them their types back.
type AnyMethod = MethodDefinition<any, any>;

interface Entry {
  readonly method: AnyMethod;
  readonly serve: (call: unknown, callback?: (error: RpcStatus | null, response: unknown) => void) => void;
}

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
