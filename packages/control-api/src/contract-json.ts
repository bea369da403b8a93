import { createFileRegistry, type DescMethod, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { CONTRACT } from "./gen/contract.ts";
import { invalidRequest } from "./rpc-error.ts";

/** Of a grpc-js method definition, what turns a request's bytes into what its handler takes. */
interface RequestReader<Request> {
  readonly path: string;
  readonly requestDeserialize: (bytes: Buffer) => Request;
}

interface ResponseWriter<Response> {
  readonly path: string;
  readonly responseSerialize: (response: Response) => Buffer;
}

/** Messages of the contract as canonical proto3 JSON: times as RFC 3339 texts, 64-bit numbers as texts, enums by name, defaults left out. */
export class ContractJson {
  readonly #registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(CONTRACT, "base64")));

  /** Throws RpcError INVALID_REQUEST, which names what is wrong and never quotes it. */
  readRequest<Request>({ path, requestDeserialize }: RequestReader<Request>, json: JsonValue): Request {
    const { input } = this.#methodOf(path);
    try {
      return requestDeserialize(Buffer.from(toBinary(input, fromJson(input, json, { registry: this.#registry }))));
    } catch (error) {
      throw invalidRequest([problemIn(error as Error)]);
    }
  }

  showResponse<Response>({ path, responseSerialize }: ResponseWriter<Response>, response: Response): JsonValue {
    const { output } = this.#methodOf(path);
    return toJson(output, fromBinary(output, responseSerialize(response)), { registry: this.#registry });
  }

  #methodOf(path: string): DescMethod {
    const [, service, name] = path.split("/");
    const method = this.#registry.getService(service ?? "")?.methods.find((one) => one.name === name);
    if (!method) throw new Error(`the contract has no method ${path}`);
    return method;
  }
}

// As @bufbuild/protobuf words it; the rest would quote the value, which may be a secret.
const FIELD = /^cannot decode (?:field|message) shadowfleet\.v1\.(\S+) from JSON(?:: (key ".{1,64}" is unknown))?/;

function problemIn({ message }: Error): { readonly field: string; readonly description: string } {
  const [, field = "body", unknown] = FIELD.exec(message) ?? [];
  return { field, description: unknown ?? "is not what the contract says, as JSON" };
}
