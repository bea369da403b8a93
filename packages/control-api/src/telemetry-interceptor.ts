import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import type { Clock } from "@shadowfleet/runtime";
import { CallRecord, type TelemetryOptions } from "./call-record.ts";

/**
 * Measures and traces every call and writes a line for each that failed, and for each that changed something or showed a secret. Goes first in
 * the list, so that it sees what the others refuse.
 */
export function telemetryInterceptor(options: TelemetryOptions): ServerInterceptor {
  return (method, call) => {
    const { localAddress: host, localPort: port } = call.getConnectionInfo();
    const record = new CallRecord(options, method.path.slice(1), { peer: call.getPeer(), server: { host, port } });
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

// The client gives up by its own clock, and its cancellation may be here before our timer.
const DEADLINE_SLACK_MS = 50;

function isPast(deadline: number | Date, clock: Clock): boolean {
  return clock.now() >= Number(deadline) - DEADLINE_SLACK_MS;
}
