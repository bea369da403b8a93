import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { codeOf, type ErrorCode, errorEntry, FleetError, type GrpcStatus } from "@shadowfleet/runtime";
import { decodeStatus, encodeStatus, type FieldViolation, type StatusDetail, statusDetailsIn } from "./status-details.ts";

const DETAILS_KEY = "grpc-status-details-bin";
// Trailers share one header block of 16 KiB at most; what is beyond helps nobody.
const MAX_FIELDS = 24;
const MAX_TEXT = 300;
const MAX_MESSAGE = 1_500;

/** A call that failed for a reason the caller can act on. `fields` names what is wrong in the request, in proto names. */
export class RpcError extends FleetError {
  readonly fields: readonly FieldViolation[];

  constructor(code: ErrorCode, message: string, fields: readonly FieldViolation[] = [], options?: ErrorOptions) {
    super(code, message, options);
    this.name = "RpcError";
    this.fields = fields;
  }
}

/** INVALID_REQUEST with every field that is wrong; the message lists them. */
export function invalidRequest(fields: readonly FieldViolation[]): RpcError {
  return new RpcError("INVALID_REQUEST", fields.map(({ field, description }) => `${field}: ${description}`).join("; "), fields);
}

/** A gRPC status as grpc-js sends it. */
export interface RpcStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Any thrown value as a gRPC status by the error registry. What has no registered code is INTERNAL and says nothing about itself. */
export function toRpcStatus(error: unknown): RpcStatus {
  const reason = codeOf(error);
  const code = status[errorEntry(reason).grpcStatus];
  const text = reason === "INTERNAL" ? "internal error, see the log of the process that answered" : (error as Error).message;
  const message = cut(text, MAX_MESSAGE);
  const fields = (error instanceof RpcError ? error.fields : [])
    .slice(0, MAX_FIELDS)
    .map(({ field, description }) => ({ field: cut(field, MAX_TEXT), description: cut(description, MAX_TEXT) }));
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, encodeStatus(code, message, { reason, fields }));
  return { code, details: message, metadata };
}

/** Why a call failed, as a client reads it. */
export interface CallFailure {
  /** The fleet's error code; the gRPC status name where the peer sent none (no connection, deadline, cancelled). */
  readonly code: string;
  readonly status: GrpcStatus | "UNKNOWN" | "OUT_OF_RANGE" | "DATA_LOSS" | "OK";
  readonly message: string;
  readonly fields: readonly FieldViolation[];
}

/** Reads a failed call of a generated client back. */
export function fromServiceError(error: Pick<ServiceError, "code" | "details"> & { readonly metadata?: Metadata }): CallFailure {
  const name = statusName(error.code);
  const [bytes] = error.metadata?.get(DETAILS_KEY) ?? [];
  const details = Buffer.isBuffer(bytes) ? decodeStatus(bytes) : undefined;
  return { code: details?.reason || name, status: name, message: innermost(error.details), fields: details?.fields ?? [] };
}

/** The details that a status carries, as they are on the wire. */
export function detailsOf({ metadata }: Pick<RpcStatus, "metadata">): readonly StatusDetail[] {
  const [bytes] = metadata.get(DETAILS_KEY);
  return Buffer.isBuffer(bytes) ? statusDetailsIn(bytes) : [];
}

/** What grpc-js wraps where there is no connection: "No connection established. Last error: Error: … (TIME). Resolution note: ". */
function innermost(details: string): string {
  const [, inner] = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\. Resolution note/s.exec(details) ?? [];
  return (inner ?? details).trim();
}

/** `PERMISSION_DENIED` for 7; UNKNOWN for a number that is none. */
export function statusName(code: number): CallFailure["status"] {
  return (status[code] as CallFailure["status"] | undefined) ?? "UNKNOWN";
}

// grpc-js percent-encodes the message, which throws on a lone surrogate.
function cut(text: string, length: number): string {
  return (text.length > length ? `${text.slice(0, length - 1)}…` : text).toWellFormed();
}
