import {
  Access,
  authInterceptor,
  ControlServer,
  insecureServerCredentials,
  LocalCalls,
  ReplaceableTls,
  type ServiceHost,
  telemetryInterceptor,
} from "@shadowfleet/control-api";
import type { App, AppDeps, Observation, Readiness } from "@shadowfleet/runtime";
import { type FleetStore, openStore } from "@shadowfleet/store";
import { certificateEnd } from "./certificate-end.ts";
import type { ManagementConfig } from "./config.ts";
import { ControlPlane } from "./control-plane.ts";
import { HttpServer } from "./http/http-server.ts";
import { DEFAULT_TIMING, type ManagementTiming } from "./timing.ts";

/** What the service may be given beyond every service's dependencies. */
export interface ManagementDeps extends AppDeps {
  /** Shared with others of this process; stays open when management ends. Default: the configured one. */
  readonly store?: FleetStore;
  /** Tests shorten waits. */
  readonly timing?: Partial<ManagementTiming>;
}

/** The service, with what its owner may look at. */
export interface ManagementApp extends App<ManagementConfig> {
  /** The bound gRPC port and, where they are enabled, those of HTTP and UDP management; 0 before `start`. */
  readonly address: { readonly port: number; readonly httpPort: number; readonly udpPort: number };
}

/** Builds the service without I/O. `config` is validated. */
export function createApp(config: ManagementConfig, deps: ManagementDeps): ManagementApp {
  return new Management(config, deps);
}

/** The process around the control plane: store, server, access, reload. */
class Management implements ManagementApp {
  readonly #deps: ManagementDeps;
  readonly #timing: ManagementTiming;
  readonly #access: Access;
  readonly #tls: ReplaceableTls | undefined;
  readonly #server: ControlServer;
  readonly #calls: LocalCalls;
  readonly #http: HttpServer | undefined;
  #config: ManagementConfig;
  #ownStore: FleetStore | undefined;
  #plane: ControlPlane | undefined;
  #isServing = false;
  #unobserve: () => void = () => {};

  constructor(config: ManagementConfig, deps: ManagementDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#timing = { ...DEFAULT_TIMING, ...deps.timing };
    this.#access = new Access(config.grpc.tokens);
    this.#tls = config.grpc.tls && new ReplaceableTls(config.grpc.tls);
    this.#server = new ControlServer({
      host: config.grpc.host,
      port: config.grpc.port,
      credentials: this.#tls ?? insecureServerCredentials(),
      interceptors: [telemetryInterceptor(deps), authInterceptor(this.#access)],
      metrics: deps.metrics,
    });
    this.#calls = new LocalCalls({ ...deps, access: this.#access });
    this.#http = config.http.enabled ? new HttpServer(config.http, config.grpc.tokens !== undefined, deps) : undefined;
  }

  get address(): { readonly port: number; readonly httpPort: number; readonly udpPort: number } {
    return { port: this.#server.port, httpPort: this.#http?.port ?? 0, udpPort: this.#plane?.udpPort ?? 0 };
  }

  /** Also without the store: reads of declared resources work, writes are refused, and it is tried again until it answers. */
  async start(): Promise<void> {
    const { logger, metrics, clock } = this.#deps;
    const store = this.#deps.store ?? openStore(this.#config.store, { logger, metrics, clock });
    if (!this.#deps.store) this.#ownStore = store;
    this.#plane = new ControlPlane(this.#config, { ...this.#deps, store, timing: this.#timing, linkBase: () => this.#linkBase() });
    this.#plane.addServices(this.#serviceHost());
    this.#addDoors();
    await this.#plane.start();
    await this.#server.start();
    await this.#http?.start();
    this.#isServing = true;
    this.#unobserve = metrics.observe("fleet.tls.certificate.not.after.seconds", () => this.#certificateEnds());
    this.#plane.onceSynced(() => this.#isServing && this.#server.setServing(true));
    logger.info(
      {
        host: this.#config.grpc.host,
        port: this.#server.port,
        tls: this.#tls !== undefined,
        tokens: this.#config.grpc.tokens?.length ?? 0,
      },
      "gRPC API is up",
    );
    if (this.#http)
      logger.info({ host: this.#config.http.host, port: this.#http.port, tls: this.#config.http.tls !== undefined }, "HTTP is up");
    this.#warn();
  }

  /** Tokens, certificate, declared resources, defaults and the public host change at once; addresses and the store at the next start. */
  async reload(config: ManagementConfig): Promise<void> {
    if (fixedParts(config) !== fixedParts(this.#config))
      this.#deps.logger.warn("changes of addresses, doors, store, TLS on or off and UDP management take effect at the next start");
    this.#http?.reload(config.http, config.grpc.tokens !== undefined);
    if (config.grpc.tls && this.#tls) {
      this.#tls.replace(config.grpc.tls);
      // Who came in by the old authority may not by the new one.
      if (!sameBytes(config.grpc.tls.clientCa, this.#config.grpc.tls?.clientCa)) this.#server.reconnectAll();
    }
    this.#access.replace(config.grpc.tokens);
    this.#plane?.reload(config);
    this.#config = config;
    this.#warn();
  }

  readiness(): Readiness {
    const details: Record<string, string> = { grpc: this.#isServing ? `port ${this.#server.port}` : "not bound" };
    if (this.#http) details.http = this.#isServing ? `port ${this.#http.port}` : "not bound";
    if (!this.#plane) return { ready: false, details };
    const { isSynced, isStoreAvailable, storeAwayReason, place } = this.#plane.directory;
    // A fleet goes on without its store, so a replica that knows the configuration stays ready to tell it.
    details.store = isStoreAvailable ? "available" : "away";
    if (storeAwayReason !== undefined) details.storeReason = storeAwayReason;
    details.configuration = isSynced ? `revision ${place.revision}` : "not known yet";
    return { ready: this.#isServing && isSynced, details };
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isServing = false;
    await this.#plane?.stopTaking();
    // The streams of both end with the gRPC server's.
    await Promise.all([this.#server.drain(deadlineMs), this.#http?.drain(deadlineMs)]);
    await this.#plane?.close();
    await this.#ownStore?.close();
    this.#unobserve();
  }

  /** What is registered serves gRPC and the other doors alike. */
  #serviceHost(): ServiceHost {
    return {
      stopping: this.#server.stopping,
      addService: (definition, implementation) => {
        this.#server.addService(definition, implementation);
        this.#calls.addService(definition, implementation);
      },
    };
  }

  #addDoors(): void {
    const { doors } = this.#config.http;
    for (const door of this.#plane?.doors(this.#calls) ?? []) if (doors[door.name]) this.#http?.addDoor(door);
  }

  #linkBase(): string | undefined {
    const { http, publicHost = "127.0.0.1" } = this.#config;
    if (!this.#http || !http.doors.sip008) return undefined;
    const host = isWildcard(http.host) ? publicHost : http.host;
    return http.publicUrl ?? `${http.tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${this.#http.port}`;
  }

  #certificateEnds(): Observation[] {
    const { grpc, http } = this.#config;
    const ends = [this.#tls && grpc.tls, this.#http && http.tls].flatMap((tls) => (tls ? [certificateEnd(tls.cert)] : []));
    return ends.length > 0 ? [{ value: Math.min(...ends) }] : [];
  }

  #warn(): void {
    const { grpc, publicHost } = this.#config;
    if (!grpc.tokens) this.#deps.logger.warn("no tokens are configured: every process of this machine may manage the fleet");
    if (publicHost === undefined)
      this.#deps.logger.warn("publicHost is not set: access URIs name 127.0.0.1, which works on this machine only");
  }
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** What a reload leaves as it was at the start. */
function fixedParts({ grpc, http, store, udpManagement }: ManagementConfig): string {
  const { enabled, host, port, doors, trustedProxies, tls } = http;
  return JSON.stringify([
    ...[grpc.host, grpc.port, grpc.tls === undefined, grpc.tls?.clientCa === undefined],
    ...[enabled, host, port, doors, trustedProxies, tls === undefined, store, udpManagement],
  ]);
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}
