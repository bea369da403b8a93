import { ControlServer, insecureServerCredentials } from "@shadowfleet/control-api";
import type { App, AppDeps, Readiness } from "@shadowfleet/runtime";
import type { ManagementConfig } from "./config.ts";

/** The control plane: a gRPC server with health and reflection. */
class Management implements App<ManagementConfig> {
  readonly #deps: AppDeps;
  readonly #server: ControlServer;
  #serving = false;

  constructor(config: ManagementConfig, deps: AppDeps) {
    this.#deps = deps;
    this.#server = new ControlServer({ ...config.grpc, credentials: insecureServerCredentials() });
  }

  async start(): Promise<void> {
    await this.#server.start();
    this.#serving = true;
    this.#server.setServing(true);
    this.#deps.logger.info({ port: this.#server.port }, "gRPC API is up");
  }

  async reload(): Promise<void> {
    // Address and port are fixed while the process lives; there is nothing else to change yet.
  }

  readiness(): Readiness {
    return { ready: this.#serving, details: { grpc: this.#serving ? `port ${this.#server.port}` : "not bound" } };
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#serving = false;
    await this.#server.drain(deadlineMs);
  }

  get address(): { readonly port: number } {
    return { port: this.#server.port };
  }
}

export type ManagementApp = Management;

export function createApp(config: ManagementConfig, deps: AppDeps): ManagementApp {
  return new Management(config, deps);
}
