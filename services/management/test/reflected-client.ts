import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type MethodDefinition,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";

type Message = Readonly<Record<string, unknown>>;

const PROTO = join(dirname(fileURLToPath(import.meta.resolve("@grpc/reflection"))), "../proto/grpc/reflection/v1/reflection.proto");
const OPTIONS = { keepCase: true, longs: String, defaults: true, oneofs: true };
const FILE_FIELD = 0x0a;

/** What grpcurl does: asks the server what it has, and calls it by that. Knows no .proto but reflection's own. */
export class ReflectedClient implements Disposable {
  readonly #address: string;
  readonly #client: Client;

  constructor(address: string) {
    this.#address = address;
    this.#client = new Client(address, credentials.createInsecure());
  }

  async listServices(): Promise<string[]> {
    const { list_services_response: listed } = await this.#ask({ list_services: "" });
    return (listed as { service: { name: string }[] }).service.map(({ name }) => name);
  }

  /** Calls a unary method by name, with plain data both ways. */
  async call(service: string, method: string, request: Message): Promise<Message> {
    const { file_descriptor_response: files } = await this.#ask({ file_containing_symbol: service });
    const set = (files as { file_descriptor_proto: Buffer[] }).file_descriptor_proto.map((file) =>
      Buffer.concat([Buffer.from([FILE_FIELD]), varint(file.length), file]),
    );
    const definition = loadFileDescriptorSetFromBuffer(Buffer.concat(set), OPTIONS);
    const { path, requestSerialize, responseDeserialize } = (definition[service] as Record<string, MethodDefinition<Message, Message>>)[
      method
    ]!;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
        if (error || !response) reject(error);
        else resolve(response);
      });
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  async #ask(request: Message): Promise<Message> {
    const root = loadPackageDefinition(loadSync(PROTO, OPTIONS)) as unknown as { grpc: { reflection: { v1: GrpcObject } } };
    const ServerReflection = root.grpc.reflection.v1.ServerReflection as ServiceClientConstructor;
    const client = new ServerReflection(this.#address, credentials.createInsecure());
    try {
      const stream = client.ServerReflectionInfo!() as unknown as NodeJS.EventEmitter & { write(request: Message): void; end(): void };
      return await new Promise<Message>((resolve, reject) => {
        stream.on("data", resolve).on("error", reject);
        stream.write(request);
        stream.end();
      });
    } finally {
      client.close();
    }
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) return Buffer.from(bytes);
  }
}
