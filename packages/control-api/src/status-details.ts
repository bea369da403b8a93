import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/** One field of a request and what is wrong with it, as google.rpc.BadRequest has it. */
export interface FieldViolation {
  /** Path in proto names: `access_key.port`. */
  readonly field: string;
  /** A sentence for a person; never quotes a secret. */
  readonly description: string;
}

/** What `grpc-status-details-bin` says beyond code and message. */
export interface StatusDetails {
  /** A code of the error registry. */
  readonly reason: string;
  readonly fields: readonly FieldViolation[];
}

/** One google.protobuf.Any of a google.rpc.Status. */
export interface StatusDetail {
  /** Without the authority: `google.rpc.ErrorInfo`. */
  readonly type: string;
  readonly value: Uint8Array;
}

export const ERROR_DOMAIN = "shadowfleet";

const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";

const WIRE_BYTES = 2;
const tag = (field: number): number => (field << 3) | WIRE_BYTES;

/** A google.rpc.Status message: code, message, ErrorInfo and, where fields are named, BadRequest. */
export function encodeStatus(code: number, message: string, { reason, fields }: StatusDetails): Buffer {
  const writer = new BinaryWriter();
  writer.uint32(1 << 3).int32(code);
  writer.uint32(tag(2)).string(message);
  const info = new BinaryWriter().uint32(tag(1)).string(reason).uint32(tag(2)).string(ERROR_DOMAIN).finish();
  writeAny(writer, ERROR_INFO, info);
  if (fields.length > 0) writeAny(writer, BAD_REQUEST, encodeBadRequest(fields));
  return Buffer.from(writer.finish());
}

/** What another fleet process or any google.rpc.Status sender attached; undefined for bytes that are no such message. */
export function decodeStatus(bytes: Uint8Array): StatusDetails | undefined {
  let reason = "";
  let fields: FieldViolation[] = [];
  try {
    for (const any of messagesIn(bytes, 3)) {
      const type = stringIn(any, 1);
      const value = bytesIn(any, 2);
      if (type === ERROR_INFO) reason = stringIn(value, 1);
      if (type === BAD_REQUEST)
        fields = messagesIn(value, 1).map((entry) => ({ field: stringIn(entry, 1), description: stringIn(entry, 2) }));
    }
  } catch {
    return undefined;
  }
  return { reason, fields };
}

/** The details as they were attached, for whoever passes them on; none for bytes that are no google.rpc.Status. */
export function statusDetailsIn(bytes: Uint8Array): readonly StatusDetail[] {
  try {
    return messagesIn(bytes, 3).map((any) => ({ type: stringIn(any, 1).replace(/^.*\//, ""), value: bytesIn(any, 2) }));
  } catch {
    return [];
  }
}

function encodeBadRequest(fields: readonly FieldViolation[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, description } of fields) {
    writer.uint32(tag(1)).fork().uint32(tag(1)).string(field).uint32(tag(2)).string(description).join();
  }
  return writer.finish();
}

function writeAny(status: BinaryWriter, type: string, value: Uint8Array): void {
  status.uint32(tag(3)).fork().uint32(tag(1)).string(type).uint32(tag(2)).bytes(value).join();
}

/** Every value of a length-delimited field. Throws RangeError for truncated bytes. */
function messagesIn(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === WIRE_BYTES) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}

function bytesIn(bytes: Uint8Array, field: number): Uint8Array {
  return messagesIn(bytes, field).at(-1) ?? new Uint8Array(0);
}

function stringIn(bytes: Uint8Array, field: number): string {
  return Buffer.from(bytesIn(bytes, field)).toString("utf8");
}
