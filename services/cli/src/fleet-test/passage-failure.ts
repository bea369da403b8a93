import type { ErrorCode, HostPort } from "@shadowfleet/runtime";
import { Failure } from "../failure.ts";
import { ConnectionEndedError } from "./byte-connection.ts";
import { SocksRefusedError } from "./socks-request.ts";

export type Protocol = "TCP" | "UDP";

/** What was attempted. */
interface Attempt {
  readonly gateway: HostPort;
  readonly echo: HostPort;
  readonly deadlineMs: number;
}

const CODES_OF_REPLIES: Readonly<Record<number, ErrorCode>> = {
  3: "DIAL_NETWORK_UNREACHABLE",
  4: "DIAL_HOST_UNREACHABLE",
  5: "DIAL_REFUSED",
  6: "DIAL_TIMEOUT",
};
const CODES_OF_ERRORS: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: "DIAL_REFUSED",
  ENOTFOUND: "DNS_FAILED",
  EAI_AGAIN: "DNS_FAILED",
  EHOSTUNREACH: "DIAL_HOST_UNREACHABLE",
  ENETUNREACH: "DIAL_NETWORK_UNREACHABLE",
};

const GATEWAY_HINT = "Is a gateway listening there? `shadowfleet fleet status` shows those that management knows.";
const RELAY_HINT = "`shadowfleet upstream list` and `upstream explain` tell which relays the gateway tries.";

/** Why the gateway did not grant the request, as a Failure; the very error when it is a bug. */
export function explainGatewayFailure(protocol: Protocol, { gateway, deadlineMs }: Attempt, error: unknown): unknown {
  const place = `${protocol}: the gateway at ${nameOf(gateway)}`;
  if (error instanceof SocksRefusedError) {
    if (error.reply === undefined) return failure("PROXY_AUTH_FAILED", `${place} refused: ${error.message}`, undefined, error);
    return failure(CODES_OF_REPLIES[error.reply] ?? "DIAL_FAILED", `${place} refused: ${error.message}`, RELAY_HINT, error);
  }
  if (error instanceof ConnectionEndedError) {
    return failure("DIAL_FAILED", `${place} ended the connection without an answer`, GATEWAY_HINT, error);
  }
  if (isTimeout(error)) return failure("DIAL_TIMEOUT", `${place} did not answer within ${deadlineMs / 1000} s`, GATEWAY_HINT, error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined
    ? error
    : failure(CODES_OF_ERRORS[code] ?? "DIAL_FAILED", `${place} cannot be reached: ${code}`, GATEWAY_HINT, error);
}

/** Why the echo did not come, though the gateway granted the request, as a Failure; the very error when it is a bug. */
export function explainEchoFailure(protocol: Protocol, { echo, deadlineMs }: Attempt, error: unknown): unknown {
  const hint = `The relay must reach ${nameOf(echo)}, and may go to a private address only if \`targets.allow\` names it.`;
  if (error instanceof ConnectionEndedError) {
    const text = `${protocol}: the connection through gateway and relay ended before everything had come back`;
    return failure("UPSTREAM_CLOSED_EARLY", text, hint, error);
  }
  if (isTimeout(error)) {
    const text = `${protocol}: the echo did not come back through gateway and relay within ${deadlineMs / 1000} s`;
    return failure("DEADLINE_EXCEEDED", text, hint, error);
  }
  return error instanceof RangeError ? failure("STREAM_CORRUPT", `${protocol}: ${error.message}`, undefined, error) : error;
}

const isTimeout = (error: unknown): boolean => error instanceof DOMException || (error as Error).name === "AbortError";

function failure(code: string, message: string, hint: string | undefined, cause: unknown): Failure {
  return new Failure(code, message, { hints: hint === undefined ? [] : [hint], cause });
}

const nameOf = ({ host, port }: HostPort): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
