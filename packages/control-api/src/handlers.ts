import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import { codeOf, type Logger } from "@shadowfleet/runtime";
import { ANYONE, type Caller, callerOf } from "./caller.ts";
import { RpcError, toRpcStatus } from "./rpc-error.ts";

/** What a service knows about the call it serves. */
export interface CallContext {
  readonly caller: Caller;
  /** Aborted when the client went away, its deadline passed, or (streams) the server stops. */
  readonly signal: AbortSignal;
  /** When the client stops waiting, milliseconds since 1970; Infinity when it never does. */
  readonly deadlineMs: number;
}

/** Where a streaming method writes its responses. */
export interface ResponseStream<Response> {
  /** Resolves when the client can take more, at once when the call is over. Await it: that is the backpressure. */
  send(message: Response): Promise<void>;
}

export type Unary<Request, Response> = (request: Request, context: CallContext) => Promise<Response>;
export type ServerStreaming<Request, Response> = (
  request: Request,
  stream: ResponseStream<Response>,
  context: CallContext,
) => Promise<void>;

export interface HandlerOptions {
  readonly logger: Logger;
  /** Ends every stream with SERVER_STOPPING, so that clients go to another replica. */
  readonly stopping: AbortSignal;
}

/** Turns plain async functions into grpc-js handlers. What they throw becomes a status by the error registry; bugs are logged with their stack. */
export class Handlers {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  unary<Request, Response>(serve: Unary<Request, Response>): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const cancelled = new AbortController();
      call.on("cancelled", () => cancelled.abort());
      const context = { caller: callerOf(call.metadata) ?? ANYONE, signal: cancelled.signal, deadlineMs: Number(call.getDeadline()) };
      Promise.try(serve, call.request, context).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#statusOf(error, call.getPath())),
      );
    };
  }

  serverStream<Request, Response>(serve: ServerStreaming<Request, Response>): handleServerStreamingCall<Request, Response> {
    return (call) => {
      const ended = new AbortController();
      const { stopping } = this.#options;
      const end = (): void => ended.abort();
      call.on("cancelled", end);
      stopping.addEventListener("abort", end);
      if (stopping.aborted) end();
      const context = { caller: callerOf(call.metadata) ?? ANYONE, signal: ended.signal, deadlineMs: Number(call.getDeadline()) };
      Promise.try(serve, call.request, { send: (message: Response) => send(call, message, ended.signal) }, context)
        .then(() => {
          if (stopping.aborted) throw new RpcError("SERVER_STOPPING", "this process is stopping, connect again");
          call.end();
        })
        .catch((error: unknown) => call.emit("error", this.#statusOf(error, call.getPath())))
        .finally(() => stopping.removeEventListener("abort", end));
    };
  }

  #statusOf(error: unknown, method: string): ReturnType<typeof toRpcStatus> {
    if (codeOf(error) === "INTERNAL")
      this.#options.logger.error({ code: "INTERNAL", method, err: error }, "a call failed: a bug, please report it");
    return toRpcStatus(error);
  }
}

/** Writes, then waits while the peer's flow control says so. */
async function send<Response>(call: ServerWritableStream<unknown, Response>, message: Response, over: AbortSignal): Promise<void> {
  if (over.aborted || call.write(message)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      over.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    over.addEventListener("abort", done, { once: true });
  });
}
