import {
  Access,
  authInterceptor,
  ControlServer,
  insecureServerCredentials,
  ReplaceableTls,
  telemetryInterceptor,
} from "@shadowfleet/control-api";
import type { App, AppDeps, Observation, Readiness } from "@shadowfleet/runtime";
import { type FleetStore, openStore } from "@shadowfleet/store";
import { certificateEnd } from "./certificate-end.ts";
import type { ManagementConfig } from "./config.ts";
import { ControlPlane } from "./control-plane.ts";
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
  /** The bound gRPC port and, where it is enabled, that of UDP management; 0 before `start`. */
  readonly address: { readonly port: number; readonly udpPort: number };
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
  }

  get address(): { readonly port: number; readonly udpPort: number } {
    return { port: this.#server.port, udpPort: this.#plane?.udpPort ?? 0 };
  }

  /** Also without the store: reads of declared resources work, writes are refused, and it is tried again until it answers. */
  async start(): Promise<void> {
    const { logger, metrics, clock } = this.#deps;
    const store = this.#deps.store ?? openStore(this.#config.store, { logger, metrics, clock });
    if (!this.#deps.store) this.#ownStore = store;
    this.#plane = new ControlPlane(this.#config, { ...this.#deps, store, timing: this.#timing });
    this.#plane.addServices(this.#server);
    await this.#plane.start();
    await this.#server.start();
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
    this.#warn();
  }

  /** Tokens, certificate, declared resources, defaults and the public host change at once; addresses and the store at the next start. */
  async reload(config: ManagementConfig): Promise<void> {
    const fixed = ({ grpc, store, udpManagement }: ManagementConfig): string =>
      JSON.stringify([grpc.host, grpc.port, grpc.tls === undefined, grpc.tls?.clientCa === undefined, store, udpManagement]);
    if (fixed(config) !== fixed(this.#config))
      this.#deps.logger.warn("changes of addresses, store, TLS on or off and UDP management take effect at the next start");
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
    await this.#server.drain(deadlineMs);
    await this.#plane?.close();
    await this.#ownStore?.close();
    this.#unobserve();
  }

  #certificateEnds(): Observation[] {
    const { tls } = this.#config.grpc;
    return this.#tls && tls ? [{ value: certificateEnd(tls.cert) }] : [];
  }

  #warn(): void {
    const { grpc, publicHost } = this.#config;
    if (!grpc.tokens) this.#deps.logger.warn("no tokens are configured: every process of this machine may manage the fleet");
    if (publicHost === undefined)
      this.#deps.logger.warn("publicHost is not set: access URIs name 127.0.0.1, which works on this machine only");
  }
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}
