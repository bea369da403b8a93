import {
  Server,
  type ServerCredentials,
  type ServerInterceptor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { FleetError, type Metrics } from "@shadowfleet/runtime";
import { HealthImplementation } from "grpc-health-check";
import { guardConnections } from "./connection-guard.ts";
import { loadContract } from "./contract-files.ts";
import { DEFAULT_SERVER_LIMITS, limitOptions, type ServerLimits } from "./server-limits.ts";

export interface ControlServerOptions {
  readonly host: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  readonly credentials: ServerCredentials;
  /** The first is nearest to the network. Default none. */
  readonly interceptors?: readonly ServerInterceptor[];
  /** Counts what breaks a limit. */
  readonly metrics?: Pick<Metrics, "add">;
  /** Tests have smaller ones. */
  readonly limits?: Partial<ServerLimits>;
}

// A peer that vanished without a FIN is noticed within 40 s; its streams end then.
const KEEPALIVE = { "grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 10_000 };

/** For calls that are about to be answered. Streams would go on for ever. */
const RECONNECT_GRACE_MS = 1_000;

/** A gRPC server with the standard health (grpc.health.v1) and reflection services beside whatever is added. */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #server: Server;
  readonly #health = new HealthImplementation({ "": "NOT_SERVING" });
  readonly #stopping = new AbortController();
  #port = 0;

  constructor(options: ControlServerOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
    this.#server = new Server({ interceptors: [...(options.interceptors ?? [])], ...KEEPALIVE, ...limitOptions(limits) });
    guardConnections(this.#server, limits, (limit) => options.metrics?.add("rpc.server.limits.broken", 1, { limit }));
    this.#health.addToServer(this.#server);
    new ReflectionService(loadContract()).addToServer(this.#server);
  }

  /** The bound port; 0 before `start`. */
  get port(): number {
    return this.#port;
  }

  /** Aborted when draining begins; give it to `Handlers`, so that streams end then. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#server.addService(definition, implementation);
  }

  /** What grpc.health.v1 answers for the whole server. */
  setServing(serving: boolean): void {
    this.#health.setStatus("", serving ? "SERVING" : "NOT_SERVING");
  }

  /** Binds the port; rejects with FleetError BIND_FAILED. */
  start(): Promise<void> {
    const { port, credentials } = this.#options;
    const address = `${this.#bracketedHost}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, bound) => {
        if (error) {
          reject(new FleetError("BIND_FAILED", `gRPC ${address}: ${error.message}`, { cause: error }));
          return;
        }
        this.#port = bound;
        resolve();
      });
    });
  }

  /** Ends every connection soon; clients come back and prove again who they are. */
  reconnectAll(): void {
    if (this.#port !== 0) this.#server.drain(`${this.#bracketedHost}:${this.#port}`, RECONNECT_GRACE_MS);
  }

  /** Refuses new calls, ends streams, lets running calls finish for `deadlineMs`, then cuts them. */
  async drain(deadlineMs: number): Promise<void> {
    this.setServing(false);
    this.#stopping.abort();
    const cut = setTimeout(() => this.#server.forceShutdown(), deadlineMs);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(cut);
  }

  get #bracketedHost(): string {
    const { host } = this.#options;
    return host.includes(":") ? `[${host}]` : host;
  }
}
