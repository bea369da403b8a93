import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import {
  AccessKeyServiceService,
  EventServiceService,
  FleetServiceService,
  PortServiceService,
  SessionServiceService,
  TrafficServiceService,
  toRpcStatus,
  UpstreamServiceService,
} from "@shadowfleet/control-api";

const SERVICES = [
  AccessKeyServiceService,
  PortServiceService,
  UpstreamServiceService,
  TrafficServiceService,
  SessionServiceService,
  FleetServiceService,
  EventServiceService,
] as const;

/** A method of the generated stubs: `AccessKeyServiceService.createAccessKey`. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (message: Response) => Buffer;
}

type AnyHandler = (request: unknown, call: ServerWritableStream<unknown, unknown>) => unknown;

/**
 * A management server of the generated stubs that answers what the test told it and keeps what it was asked. A method nobody told it about is
 * INTERNAL; an answer that throws becomes the status management would send.
 */
export class FakeFleet implements AsyncDisposable {
  readonly #handlers = new Map<string, AnyHandler>();
  readonly #unserved = new Set<string>();
  readonly #requests = new Map<string, unknown[]>();
  readonly #server = new Server();
  #metadata: Metadata | undefined;
  #port = 0;

  static async start(credentials = ServerCredentials.createInsecure(), port = 0): Promise<FakeFleet> {
    const fleet = new FakeFleet();
    for (const service of SERVICES) fleet.#addService(service);
    await new Promise<void>((resolve, reject) => {
      fleet.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
        fleet.#port = bound;
        if (error) reject(error);
        else resolve();
      });
    });
    return fleet;
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** What the last call sent beside its request. */
  get metadata(): Metadata | undefined {
    return this.#metadata;
  }

  answer<Request, Response>({ path }: Method<Request, Response>, answer: (request: Request) => Response): void {
    this.#handlers.set(path, (request) => answer(request as Request));
  }

  /** From now on the method is UNIMPLEMENTED, as with a management that does not know it. */
  unserve({ path }: { readonly path: string }): void {
    this.#unserved.add(path);
  }

  /** The stream stays open after `serve` has returned. */
  stream<Request, Response>(
    { path }: Method<Request, Response>,
    serve: (send: (message: Response) => void, call: ServerWritableStream<Request, Response>) => void,
  ): void {
    this.#handlers.set(path, (_, call) => {
      const typed = call as ServerWritableStream<Request, Response>;
      serve((message) => void typed.write(message), typed);
    });
  }

  /** Every request that a method got. */
  requestsOf<Request>({ path }: Method<Request, never>): Request[] {
    return (this.#requests.get(path) ?? []) as Request[];
  }

  /** The only one. */
  requestOf<Request>(method: Method<Request, never>): Request {
    const requests = this.requestsOf(method);
    if (requests.length !== 1) throw new Error(`${method.path} was called ${requests.length} times`);
    return requests[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  #addService(service: (typeof SERVICES)[number]): void {
    const handlers = Object.entries(service).map(([name, { path, responseStream }]): [string, UntypedHandleCall] => [
      name,
      responseStream ? this.#streamHandler(path) : this.#unaryHandler(path),
    ]);
    this.#server.addService(service, Object.fromEntries(handlers));
  }

  #unaryHandler(path: string): handleUnaryCall<unknown, unknown> {
    return (call, callback) => {
      const handler = this.#handlerOf(path, call.request, call.metadata);
      if (this.#unserved.has(path)) return callback({ code: status.UNIMPLEMENTED, details: `unknown method ${path}` });
      try {
        callback(null, handler(call.request, call as never));
      } catch (error) {
        callback(toRpcStatus(error));
      }
    };
  }

  #streamHandler(path: string): handleServerStreamingCall<unknown, unknown> {
    return (call) => {
      try {
        this.#handlerOf(path, call.request, call.metadata)(call.request, call);
      } catch (error) {
        call.emit("error", toRpcStatus(error));
      }
    };
  }

  #handlerOf(path: string, request: unknown, metadata: Metadata): AnyHandler {
    this.#requests.set(path, [...(this.#requests.get(path) ?? []), request]);
    this.#metadata = metadata;
    return (
      this.#handlers.get(path) ??
      (() => {
        throw new Error(`nobody told what to answer to ${path}`);
      })
    );
  }
}
