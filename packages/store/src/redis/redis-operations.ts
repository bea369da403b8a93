import { type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { codeOf, type ErrorCode, type Metrics } from "@shadowfleet/runtime";
import type { RedisSettings } from "./redis-settings.ts";
import type { ScriptName } from "./scripts.ts";

/** What a call to Redis is named in metrics and traces: the command, the script, or what several commands do together. */
export type RedisOperation =
  | ScriptName
  | "EXISTS"
  | "HGETALL"
  | "HMGET"
  | "HSCAN"
  | "INFO"
  | "SET"
  | "XRANGE"
  | "XREAD"
  | "XREVRANGE"
  | "ZRANGE"
  | "removeMember";

export interface RedisOperationsOptions {
  readonly settings: RedisSettings;
  readonly metrics: Metrics | undefined;
}

/** Measures calls to Redis, and traces those made for something that is traced. Names only: neither keys nor values leave the process. */
export class RedisOperations {
  readonly #metrics: Metrics | undefined;
  readonly #server: Readonly<Record<string, string | number>>;

  constructor({ settings, metrics }: RedisOperationsOptions) {
    this.#metrics = metrics;
    this.#server = serverOf(settings);
  }

  async measure<T>(operation: RedisOperation, work: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const span = this.#startSpan(operation);
    let code: "OK" | ErrorCode = "OK";
    try {
      return await work();
    } catch (error) {
      code = codeOf(error);
      throw error;
    } finally {
      const seconds = (performance.now() - startedMs) / 1000;
      this.#metrics?.record("db.client.operation.duration.seconds", seconds, { "db.operation.name": operation, "error.type": code });
      if (span) endSpan(span, code);
    }
  }

  /** Nothing for what the process does by itself, such as its pings: traces are of what somebody asked for. */
  #startSpan(operation: RedisOperation): Span | undefined {
    if (trace.getActiveSpan() === undefined) return undefined;
    const attributes = { "db.system.name": "redis", "db.operation.name": operation, ...this.#server };
    return trace.getTracer("@shadowfleet/store").startSpan(operation, { kind: SpanKind.CLIENT, attributes });
  }
}

function endSpan(span: Span, code: "OK" | ErrorCode): void {
  if (code !== "OK") span.setAttribute("error.type", code).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Which server answers is known beforehand where there is but one. */
function serverOf({ mode = "single", hosts }: RedisSettings): Readonly<Record<string, string | number>> {
  const [server] = hosts;
  return mode === "single" && server ? { "server.address": server.host, "server.port": server.port } : {};
}
