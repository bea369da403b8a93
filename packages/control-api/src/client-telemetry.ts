import { InterceptingCall, type Interceptor } from "@grpc/grpc-js";
import type { Clock, Metrics } from "@shadowfleet/runtime";
import { CallSpan, type ServerAddress } from "./call-span.ts";
import { statusName } from "./rpc-error.ts";

export interface ClientTelemetry {
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** Measures and traces every call of a client, streams from their first to their last message. */
export function clientTelemetryInterceptor({ metrics, clock }: ClientTelemetry, server: ServerAddress): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        const method = options.method_definition.path.slice(1);
        const startedMs = clock.monotonic();
        const span = CallSpan.ofClient(method, server, metadata);
        next(metadata, {
          onReceiveStatus: (outcome, pass) => {
            const seconds = (clock.monotonic() - startedMs) / 1000;
            metrics.record("rpc.client.call.duration.seconds", seconds, {
              "rpc.method": method,
              "rpc.status_code": statusName(outcome.code),
            });
            span.end(outcome.code);
            pass(outcome);
          },
        });
      },
    });
}
