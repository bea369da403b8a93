import { type Metadata, status } from "@grpc/grpc-js";
import { type Context, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { statusName } from "./rpc-error.ts";

/** Statuses that are the server's own fault. What a client did wrong fails the client's span, not the server's (semantic conventions for gRPC). */
const SERVER_FAULTS = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Where the server is. Absent where it is not known. */
export interface ServerAddress {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** The span of one gRPC call on one side of it, streams included; W3C traceparent goes from the client's to the server's in the metadata. */
export class CallSpan {
  readonly #span: Span;
  readonly #context: Context;
  readonly #side: "client" | "server";

  private constructor(side: "client" | "server", method: string, { host, port }: ServerAddress, parent: Context) {
    const attributes = {
      "rpc.system.name": "grpc",
      "rpc.method": method,
      ...(host === undefined ? {} : { "server.address": host }),
      ...(port === undefined ? {} : { "server.port": port }),
    };
    this.#side = side;
    const tracer = trace.getTracer("@shadowfleet/control-api");
    this.#span = tracer.startSpan(method, { kind: side === "client" ? SpanKind.CLIENT : SpanKind.SERVER, attributes }, parent);
    this.#context = trace.setSpan(parent, this.#span);
  }

  /** Of a call that is about to be sent: writes itself into the call's metadata. */
  static ofClient(method: string, server: ServerAddress, metadata: Metadata): CallSpan {
    const span = new CallSpan("client", method, server, context.active());
    propagation.inject(span.#context, metadata, { set: (carrier, name, value) => carrier.set(name, value) });
    return span;
  }

  /** Of a call that has come, whose metadata may name the client's span. */
  static ofServer(method: string, server: ServerAddress, metadata: Metadata): CallSpan {
    const parent = propagation.extract(context.active(), metadata, {
      keys: (carrier) => Object.keys(carrier.getMap()),
      get: (carrier, name) => carrier.get(name).map(String),
    });
    return new CallSpan("server", method, server, parent);
  }

  /** Runs what belongs to the call: spans made and lines logged meanwhile, also behind an await, are its children. */
  run<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  end(code: status): void {
    const name = statusName(code);
    this.#span.setAttribute("rpc.status_code", name);
    if (this.#side === "client" ? code !== status.OK : SERVER_FAULTS.has(code)) {
      this.#span.setAttribute("error.type", name);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
