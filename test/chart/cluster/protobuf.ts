import { ApiError } from "./api-error.ts";
import type { Tree } from "./tree.ts";

export const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";
const MAGIC = "k8s\0";

type Fields = ReadonlyMap<number, readonly (Uint8Array | number)[]>;

/**
 * A Secret in Kubernetes' protocol buffer form: how Helm writes its release records. They are the only objects that reach the server this way; all others
 * come as JSON, and answers may be JSON to every client.
 */
export function readProtobufSecret(body: Buffer): Tree {
  if (body.subarray(0, MAGIC.length).toString("latin1") !== MAGIC)
    throw new ApiError(400, "BadRequest", "the body is no Kubernetes protocol buffer");
  const envelope = fieldsOf(body.subarray(MAGIC.length));
  const typeMeta = fieldsOf(bytesOf(envelope, 1));
  const [apiVersion, kind] = [textOf(typeMeta, 1), textOf(typeMeta, 2)];
  if (kind !== "Secret" || apiVersion !== "v1") throw new ApiError(415, "UnsupportedMediaType", `${kind} as protocol buffer`);
  const secret = fieldsOf(bytesOf(envelope, 2));
  const metadata = fieldsOf(bytesOf(secret, 1));
  const resourceVersion = textOf(metadata, 6);
  const data = mapOf(secret, 2).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  return {
    apiVersion,
    kind,
    metadata: {
      name: textOf(metadata, 1),
      namespace: textOf(metadata, 3),
      ...(resourceVersion === "" ? {} : { resourceVersion }),
      labels: Object.fromEntries(mapOf(metadata, 11).map(([key, value]) => [key, Buffer.from(value).toString()])),
    },
    data: Object.fromEntries(data),
    type: textOf(secret, 3),
  };
}

/** Field numbers to values, in the order they came. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | number)[]>();
  let offset = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[offset++];
      if (byte === undefined) throw new ApiError(400, "BadRequest", "the protocol buffer ends early");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  };
  while (offset < bytes.length) {
    const tag = varint();
    const [field, wireType] = [tag >>> 3, tag & 7];
    let value: Uint8Array | number;
    if (wireType === 0) {
      value = varint();
    } else if (wireType === 2) {
      const length = varint();
      value = bytes.subarray(offset, offset + length);
      offset += length;
    } else {
      throw new ApiError(400, "BadRequest", `wire type ${wireType} of field ${field}`);
    }
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

function bytesOf(fields: Fields, field: number): Uint8Array {
  const value = fields.get(field)?.at(-1);
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function textOf(fields: Fields, field: number): string {
  return Buffer.from(bytesOf(fields, field)).toString();
}

function mapOf(fields: Fields, field: number): [string, Uint8Array][] {
  return (fields.get(field) ?? []).flatMap((entry) => {
    if (!(entry instanceof Uint8Array)) return [];
    const pair = fieldsOf(entry);
    return [[textOf(pair, 1), bytesOf(pair, 2)]];
  });
}
