/** gRPC status names used by the fleet (google.rpc.Code). */
export type GrpcStatus =
  | "CANCELLED"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "UNAUTHENTICATED";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What one error code means everywhere it can show up. */
export interface ErrorCodeEntry {
  /** Level of the log line written when it ends a connection, packet or call. Anything a stranger can cause at will is `debug`. */
  readonly level: LogLevel;
  readonly grpcStatus: GrpcStatus;
  /** SOCKS5 reply (RFC 1928 §6) the gateway answers with when this is why a request failed. */
  readonly socksReply: number;
  /** HTTP status the gateway's HTTP proxy answers with. */
  readonly httpStatus: number;
  readonly description: string;
}

const GENERAL_FAILURE = 0x01;
const NOT_ALLOWED = 0x02;
const NETWORK_UNREACHABLE = 0x03;
const HOST_UNREACHABLE = 0x04;
const CONNECTION_REFUSED = 0x05;
const TTL_EXPIRED = 0x06;
const COMMAND_NOT_SUPPORTED = 0x07;
const ADDRESS_NOT_SUPPORTED = 0x08;

const entry = (level: LogLevel, grpcStatus: GrpcStatus, socksReply: number, httpStatus: number, description: string): ErrorCodeEntry => ({
  level,
  grpcStatus,
  socksReply,
  httpStatus,
  description,
});

/**
 * The one registry: a code is log field `code`, metric label `error_type`, SOCKS reply, HTTP status and gRPC status at once, and what
 * tests assert. `docs/errors.md` is generated from it; a test counts it.
 */
export const ERROR_CODES = {
  // What arrived could not be accepted (the wire library's failures).
  AUTH_FAILED: entry("debug", "UNAUTHENTICATED", GENERAL_FAILURE, 502, "No access key opens the bytes, or a tag is wrong"),
  TRIAL_LIMIT: entry(
    "debug",
    "RESOURCE_EXHAUSTED",
    GENERAL_FAILURE,
    502,
    "Not every key was tried: wrong ones from its source, or from strangers in all, have used up the trials",
  ),
  REPLAYED: entry("debug", "ALREADY_EXISTS", GENERAL_FAILURE, 502, "The salt or packet id was seen before"),
  REPLAY_UNCHECKED: entry("debug", "UNAVAILABLE", GENERAL_FAILURE, 503, "Whether another relay has seen the salt cannot be known now"),
  BAD_TIMESTAMP: entry("debug", "FAILED_PRECONDITION", GENERAL_FAILURE, 502, "The peer's clock is more than 30 s from ours"),
  BAD_HEADER: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 502, "Authenticated, but the header is malformed"),
  BAD_ADDRESS: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 502, "Authenticated, but the target address is malformed"),
  SEGMENTED_HEADER: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 502, "SIP022 salt and fixed header came in several reads"),
  TOO_SHORT: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 502, "Too short to be a Shadowsocks stream or packet"),
  HANDSHAKE_TIMEOUT: entry("debug", "DEADLINE_EXCEEDED", GENERAL_FAILURE, 408, "The handshake was not complete at its deadline"),
  HANDSHAKE_LIMIT: entry("debug", "RESOURCE_EXHAUSTED", GENERAL_FAILURE, 503, "Its handshake was given up to make room for newer ones"),
  PROXY_HEADER_INVALID: entry(
    "debug",
    "INVALID_ARGUMENT",
    GENERAL_FAILURE,
    400,
    "A trusted proxy's connection does not begin with a PROXY protocol header",
  ),
  CLOSED_IN_HANDSHAKE: entry("debug", "CANCELLED", GENERAL_FAILURE, 400, "The peer closed before its handshake was complete"),

  // Reaching the target (relay) or the upstream (gateway).
  DNS_FAILED: entry("info", "UNAVAILABLE", HOST_UNREACHABLE, 502, "The name does not resolve"),
  TARGET_FORBIDDEN: entry("info", "PERMISSION_DENIED", NOT_ALLOWED, 403, "The target guard does not allow this address"),
  DIAL_REFUSED: entry("info", "UNAVAILABLE", CONNECTION_REFUSED, 502, "Connection refused"),
  DIAL_TIMEOUT: entry("info", "DEADLINE_EXCEEDED", TTL_EXPIRED, 504, "No answer within the dial timeout"),
  DIAL_HOST_UNREACHABLE: entry("info", "UNAVAILABLE", HOST_UNREACHABLE, 502, "Host unreachable"),
  DIAL_NETWORK_UNREACHABLE: entry("info", "UNAVAILABLE", NETWORK_UNREACHABLE, 502, "Network unreachable"),
  DIAL_FAILED: entry("info", "UNAVAILABLE", GENERAL_FAILURE, 502, "Connecting failed for another reason"),
  OUT_OF_DESCRIPTORS: entry("error", "RESOURCE_EXHAUSTED", GENERAL_FAILURE, 503, "The process has no file descriptors left"),

  // A connection that stood ended abnormally.
  RELAY_CLIENT_ERROR: entry("debug", "ABORTED", GENERAL_FAILURE, 502, "The client's connection broke while relaying"),
  RELAY_TARGET_ERROR: entry("debug", "ABORTED", GENERAL_FAILURE, 502, "The far side's connection broke while relaying"),
  STREAM_CORRUPT: entry("info", "INVALID_ARGUMENT", GENERAL_FAILURE, 502, "A chunk after the handshake failed authentication"),
  STREAM_TRUNCATED: entry("debug", "ABORTED", GENERAL_FAILURE, 502, "The stream ended inside a chunk"),
  IDLE_TIMEOUT: entry("debug", "DEADLINE_EXCEEDED", TTL_EXPIRED, 504, "Nothing moved for the idle timeout"),
  SESSION_TERMINATED: entry("info", "CANCELLED", NOT_ALLOWED, 403, "Ended by the fleet: key removed, disabled or cut off"),
  QUOTA_EXHAUSTED: entry("info", "RESOURCE_EXHAUSTED", NOT_ALLOWED, 403, "The access key has used up its quota"),
  SESSION_LIMIT: entry("info", "RESOURCE_EXHAUSTED", NOT_ALLOWED, 403, "The access key has as many sessions as it may have"),
  DEVICE_LIMIT: entry("info", "RESOURCE_EXHAUSTED", NOT_ALLOWED, 403, "The access key is in use from as many addresses as it may be"),
  LIMITS_UNCHECKED: entry("warn", "UNAVAILABLE", GENERAL_FAILURE, 503, "What the access key's limits leave cannot be known now"),
  DRAIN_DEADLINE: entry("warn", "UNAVAILABLE", GENERAL_FAILURE, 503, "Still open at the drain deadline, closed by shutdown"),

  // The gateway's own clients.
  PROTOCOL_UNKNOWN: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 400, "The first byte is neither SOCKS nor HTTP"),
  SOCKS_BAD_REQUEST: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 400, "Malformed SOCKS message"),
  SOCKS_COMMAND_NOT_SUPPORTED: entry(
    "info",
    "UNIMPLEMENTED",
    COMMAND_NOT_SUPPORTED,
    405,
    "SOCKS command other than CONNECT, UDP ASSOCIATE",
  ),
  SOCKS_ADDRESS_NOT_SUPPORTED: entry("info", "UNIMPLEMENTED", ADDRESS_NOT_SUPPORTED, 400, "SOCKS address type unknown"),
  PROXY_AUTH_FAILED: entry("info", "UNAUTHENTICATED", NOT_ALLOWED, 407, "Wrong or missing proxy user name or password"),
  HTTP_BAD_REQUEST: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 400, "Malformed HTTP proxy request"),
  NO_UPSTREAM: entry("error", "UNAVAILABLE", GENERAL_FAILURE, 503, "No upstream is configured"),
  UPSTREAM_CLOSED_EARLY: entry("info", "UNAVAILABLE", GENERAL_FAILURE, 502, "The upstream closed before its first byte"),

  // Datagrams.
  PACKET_TOO_LARGE: entry("debug", "INVALID_ARGUMENT", GENERAL_FAILURE, 413, "The datagram would exceed 65,507 bytes"),
  FRAGMENT_NOT_SUPPORTED: entry("debug", "UNIMPLEMENTED", GENERAL_FAILURE, 400, "SOCKS5 UDP fragments are not reassembled"),
  UDP_SEND_FAILED: entry("debug", "UNAVAILABLE", GENERAL_FAILURE, 502, "The datagram could not be sent"),
  RATE_LIMITED: entry("debug", "RESOURCE_EXHAUSTED", GENERAL_FAILURE, 429, "The datagram was dropped to keep the access key's rate"),
  UDP_SESSION_LIMIT: entry("warn", "RESOURCE_EXHAUSTED", GENERAL_FAILURE, 503, "A UDP session was dropped to stay within the cap"),

  // Calls of the management API.
  INVALID_REQUEST: entry("info", "INVALID_ARGUMENT", GENERAL_FAILURE, 400, "Fields of the request are missing or wrong; each is named"),
  NOT_FOUND: entry("info", "NOT_FOUND", GENERAL_FAILURE, 404, "There is no such access key, port, upstream, member or session"),
  ALREADY_EXISTS: entry("info", "ALREADY_EXISTS", GENERAL_FAILURE, 409, "There is one of that name already"),
  VERSION_CONFLICT: entry("info", "ABORTED", GENERAL_FAILURE, 409, "Somebody else changed it since it was read: read again and retry"),
  DECLARED_READ_ONLY: entry("info", "FAILED_PRECONDITION", GENERAL_FAILURE, 409, "Declared in a file, hence changed only there"),
  IN_USE: entry("info", "FAILED_PRECONDITION", GENERAL_FAILURE, 409, "Something else still needs it"),
  NO_QUOTA: entry("info", "FAILED_PRECONDITION", GENERAL_FAILURE, 409, "The access key has no quota"),
  NOT_AUTHENTICATED: entry("debug", "UNAUTHENTICATED", NOT_ALLOWED, 401, "The call carries no token, or one that nobody has"),
  NOT_PERMITTED: entry("info", "PERMISSION_DENIED", NOT_ALLOWED, 403, "The token's role does not allow the call"),
  SERVER_STOPPING: entry("debug", "UNAVAILABLE", GENERAL_FAILURE, 503, "The process is stopping: another replica can serve the call"),

  // Webhooks.
  WEBHOOK_FAILED: entry(
    "warn",
    "UNAVAILABLE",
    GENERAL_FAILURE,
    502,
    "A receiver does not answer, or with 408, 425, 429 or 5xx: tried until it does",
  ),
  WEBHOOK_REFUSED: entry(
    "warn",
    "FAILED_PRECONDITION",
    GENERAL_FAILURE,
    502,
    "A receiver answered with a redirect or another 4xx: tried some times",
  ),
  WEBHOOK_SKIPPED: entry(
    "error",
    "FAILED_PRECONDITION",
    GENERAL_FAILURE,
    502,
    "An event was given up: refused each time, or answered with 410",
  ),

  // The process itself.
  CONFIG_INVALID: entry("error", "INVALID_ARGUMENT", GENERAL_FAILURE, 500, "The configuration was refused"),
  BIND_FAILED: entry("error", "FAILED_PRECONDITION", GENERAL_FAILURE, 500, "A port could not be bound"),
  PLUGIN_FAILED: entry("error", "UNAVAILABLE", GENERAL_FAILURE, 502, "A SIP003 plugin could not be started or has ended"),
  STORE_UNAVAILABLE: entry("error", "UNAVAILABLE", GENERAL_FAILURE, 503, "The shared store does not answer"),
  INTERNAL: entry("error", "INTERNAL", GENERAL_FAILURE, 500, "A bug: please report it"),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function errorEntry(code: ErrorCode): ErrorCodeEntry {
  return ERROR_CODES[code];
}
