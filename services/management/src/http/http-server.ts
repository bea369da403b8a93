import type { Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import { LocalCallError, RpcError, SourceAllowances, secureContextOf, toRpcStatus } from "@shadowfleet/control-api";
import { type Clock, FleetError, type Logger, type Metrics } from "@shadowfleet/runtime";
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { failureOf } from "./call-status.ts";
import { type Door, DoorError, type DoorFailure } from "./door.ts";
import { HostNames } from "./host-names.ts";
import { type BrokenHttpLimit, DEFAULT_HTTP_LIMITS, type HttpLimits } from "./http-limits.ts";
import type { HttpConfig } from "./http-schema.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

export interface HttpServerDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Tests have smaller ones. */
  readonly limits?: Partial<HttpLimits>;
}

/** Tokens may stand in paths. */
const MAX_PARAMETER = 1_024;

const IDLE_CHECK_MS = 100;

/** Doors where what is not there may be a guess at what is. */
const GUESSED_PATHS = new Set(["none", "sip008"]);

/** The HTTP server of management. What it serves is in doors. */
export class HttpServer {
  readonly #deps: HttpServerDeps;
  readonly #limits: HttpLimits;
  readonly #server: FastifyInstance;
  readonly #strangers: SourceAllowances;
  readonly #byAddress = new Map<string, number>();
  readonly #hostNames: HostNames;
  /** Of doors, by the encapsulated server that each has. */
  readonly #names = new WeakMap<FastifyInstance, string>();
  #config: HttpConfig;
  #port = 0;

  /** `hasTokens`: whether the API asks for tokens. */
  constructor(config: HttpConfig, hasTokens: boolean, deps: HttpServerDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#limits = { ...DEFAULT_HTTP_LIMITS, ...deps.limits };
    this.#strangers = new SourceAllowances(this.#limits.strangerBurst, this.#limits.strangerRate);
    this.#hostNames = new HostNames(config.publicUrl, hasTokens);
    this.#server = this.#create();
    this.#watchConnections();
    this.#watchRequests();
    this.#register({ name: "none", routes: () => {}, errorBody: ({ code, message }) => ({ code, message }) }, this.#server);
  }

  /** The bound port; 0 before `start`. */
  get port(): number {
    return this.#port;
  }

  /** Before `start`. */
  addDoor(door: Door): void {
    this.#server.register((inside, _options, done) => {
      this.#register(door, inside);
      door.routes(inside);
      done();
    });
  }

  /** Rejects with FleetError BIND_FAILED. */
  async start(): Promise<void> {
    const { host, port } = this.#config;
    await this.#server.ready();
    try {
      await this.#server.listen({ host, port });
    } catch (error) {
      throw new FleetError("BIND_FAILED", `HTTP ${host}:${port}: ${(error as Error).message}`, { cause: error });
    }
    const address = this.#server.server.address();
    this.#port = typeof address === "object" && address ? address.port : port;
  }

  /** New connections get the new certificate. Addresses and doors stay as they were. */
  reload(config: HttpConfig, hasTokens: boolean): void {
    if (config.tls && this.#config.tls) (this.#server.server as unknown as TlsServer).setSecureContext(secureContextOf(config.tls));
    this.#hostNames.replace(config.publicUrl, hasTokens);
    this.#config = config;
  }

  /** Refuses new connections, lets running requests finish for `deadlineMs`, then cuts them. */
  async drain(deadlineMs: number): Promise<void> {
    const cut = setTimeout(() => this.#server.server.closeAllConnections(), deadlineMs);
    // Clients keep connections; each is idle, and can be closed, when its last answer is out.
    const idle = setInterval(() => this.#server.server.closeIdleConnections(), IDLE_CHECK_MS);
    await this.#server.close();
    clearInterval(idle);
    clearTimeout(cut);
  }

  #create(): FastifyInstance {
    const { tls, trustedProxies } = this.#config;
    const { bodyBytes, headerBytes, headTimeoutMs, requestTimeoutMs, idleTimeoutMs } = this.#limits;
    // Node looks for heads that are late every 30 s by itself.
    const connectionsCheckingInterval = Math.ceil(headTimeoutMs / 2);
    const inside = { maxHeaderSize: headerBytes, headersTimeout: headTimeoutMs, connectionsCheckingInterval };
    return fastify({
      logger: false,
      bodyLimit: bodyBytes,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: idleTimeoutMs,
      forceCloseConnections: "idle",
      routerOptions: { maxParamLength: MAX_PARAMETER },
      trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
      ...(tls ? { https: { ...secureContextOf(tls), ...inside } } : { http: inside }),
    }) as unknown as FastifyInstance;
  }

  #watchConnections(): void {
    const { server } = this.#server;
    server.maxConnections = this.#limits.maxConnections;
    server.on("drop", () => this.#break("connections"));
    server.on("connection", (socket: Socket) => {
      const address = socket.remoteAddress ?? "";
      const count = (this.#byAddress.get(address) ?? 0) + 1;
      this.#byAddress.set(address, count);
      socket.once("close", () => {
        const left = (this.#byAddress.get(address) ?? 1) - 1;
        if (left === 0) this.#byAddress.delete(address);
        else this.#byAddress.set(address, left);
      });
      // A proxy's connections are many people's.
      if (count <= this.#limits.maxConnectionsPerAddress || this.#config.trustedProxies.length > 0) return;
      this.#break("connections");
      socket.destroy();
    });
  }

  #watchRequests(): void {
    this.#server.addHook("onRequest", async (request, reply) => {
      reply.headers(SECURITY_HEADERS);
      if (!this.#hostNames.allows(request.headers.host)) {
        this.#break("host");
        throw new DoorError({ httpStatus: 421, code: "permission_denied", message: "the Host header names another server than this one" });
      }
      if (this.#strangers.hasLeft(request.ip, this.#deps.clock.monotonic())) return;
      this.#break("refusals");
      reply.header("retry-after", "1");
      throw new DoorError({ httpStatus: 429, code: "resource_exhausted", message: "too many wrong tokens or links from this address" });
    });
    this.#server.addHook("onResponse", async (request, reply) => {
      const door = this.#names.get(request.server) ?? "none";
      const isStranger = reply.statusCode === 401 || (reply.statusCode === 404 && GUESSED_PATHS.has(door));
      if (isStranger) this.#strangers.take(request.ip, this.#deps.clock.monotonic());
      this.#deps.metrics.add("http.server.requests", 1, { door, "http.response.status_code": String(reply.statusCode) });
    });
  }

  #register(door: Omit<Door, "name"> & { readonly name: string }, server: FastifyInstance): void {
    this.#names.set(server, door.name);
    server.setErrorHandler((error, request, reply) => this.#refuse(door, this.#failureOf(error, request), reply));
    if (door.name === "none") {
      const nothing = { httpStatus: 404, code: "not_found", message: "there is nothing here" };
      server.setNotFoundHandler((_request, reply) => this.#refuse(door, nothing, reply));
    }
  }

  #refuse(door: Pick<Door, "errorBody">, failure: DoorFailure, reply: FastifyReply): FastifyReply {
    if (failure.httpStatus === 401) reply.header("www-authenticate", "Bearer");
    return reply.code(failure.httpStatus).type("application/json; charset=utf-8").send(door.errorBody(failure));
  }

  #failureOf(error: unknown, request: FastifyRequest): DoorFailure {
    if (error instanceof DoorError) return error;
    if (error instanceof LocalCallError) return failureOf(error.status);
    if (error instanceof RpcError) return failureOf(toRpcStatus(error));
    const { statusCode = 500, message } = error as Partial<FastifyError>;
    // Fastify's own: a body that is too large, no JSON, of another type.
    if (statusCode >= 400 && statusCode < 500)
      return { httpStatus: statusCode, code: "invalid_argument", message: message ?? "bad request" };
    this.#deps.logger.error({ code: "INTERNAL", route: request.routeOptions.url, err: error }, "a request failed: a bug, please report it");
    return { httpStatus: 500, code: "internal", message: "internal error, see the log of the process that answered" };
  }

  #break(limit: BrokenHttpLimit): void {
    this.#deps.metrics.add("http.server.limits.broken", 1, { limit });
  }
}
