import type { AdminServer } from "./admin-server.ts";
import type { App, AppDeps, Readiness } from "./app.ts";
import type { CommonConfig } from "./common-config.ts";
import type { DrivenApp } from "./lifecycle.ts";
import type { ServiceDefinition } from "./service-definition.ts";

/** The app of a one-service process together with its admin server, which workers of a group have none of, and the configuration in force. */
export class ServiceApp<Config extends CommonConfig> implements DrivenApp {
  readonly #service: ServiceDefinition<Config>;
  readonly #deps: AppDeps;
  readonly #admin: AdminServer | undefined;
  #config: Config;
  #app: App<Config> | undefined;

  constructor(service: ServiceDefinition<Config>, config: Config, deps: AppDeps, admin: AdminServer | undefined) {
    this.#service = service;
    this.#config = config;
    this.#deps = deps;
    this.#admin = admin;
  }

  get config(): Config {
    return this.#config;
  }

  /** The admin server first: a taken admin port ends the process before it serves anyone, and probes see it starting. */
  async start(): Promise<void> {
    const { adminDefaultPort, createApp, version } = this.#service;
    const { clock, metrics } = this.#deps;
    metrics.observe("fleet.clock.seconds", () => [{ value: clock.now() / 1000 }]);
    this.#deps.logger.info({ version, node: process.version, pid: process.pid }, "starting");
    const { host, port } = this.#config.admin;
    await this.#admin?.listen({ host, port }, adminDefaultPort);
    this.#app = createApp(this.#config, this.#deps);
    await this.#app.start();
  }

  /** Applies a validated configuration. What other processes and people know stays: the admin address, the log, where spans go. */
  async reload(next: Config): Promise<void> {
    await this.#app?.reload(next);
    const fixed = ({ admin, log, telemetry }: Config) => JSON.stringify([admin, log, telemetry]);
    if (fixed(this.#config) !== fixed(next)) this.#deps.logger.warn("changes of admin, log and telemetry take effect at the next start");
    this.#config = next;
  }

  readiness(): Readiness {
    return this.#app?.readiness() ?? { ready: false, details: {} };
  }

  async drain(deadlineMs: number): Promise<void> {
    await this.#app?.drain(deadlineMs);
  }
}
