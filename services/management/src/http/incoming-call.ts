import type { LocalCall } from "@shadowfleet/control-api";
import type { FastifyReply, FastifyRequest } from "fastify";

const MAX_TIMEOUT = /^\d{1,10}$/;

/** A request as a call of the API. `authorization` where it does not come in the header. */
export function incomingCall(
  request: FastifyRequest,
  reply: FastifyReply,
  nowMs: number,
  authorization: string | undefined = request.headers.authorization,
): LocalCall {
  const { socket } = request;
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const timeout = String(request.headers["connect-timeout-ms"] ?? "");
  return {
    authorization,
    traceparent: request.headers.traceparent?.toString(),
    signal: gone.signal,
    deadlineMs: MAX_TIMEOUT.test(timeout) ? nowMs + Number(timeout) : Number.POSITIVE_INFINITY,
    peer: `${request.ip}:${socket.remotePort ?? 0}`,
    server: { host: socket.localAddress, port: socket.localPort },
  };
}
