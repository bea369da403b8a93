import type { CommonConfig } from "./common-config.ts";
import { type DrivenApp, Lifecycle } from "./lifecycle.ts";
import type { ServiceHost } from "./service-host.ts";
import type { ServiceSenses } from "./service-senses.ts";

/** An app that knows the configuration in force and takes another one. */
export interface ConfiguredApp<Config extends CommonConfig> extends DrivenApp {
  readonly config: Config;
  reload(next: Config): Promise<void>;
}

/**
 * The lifecycle of one service in this process: how long it drains, as its configuration says then; SIGHUP, where there is something to load;
 * traces and metrics closed last.
 */
export function serviceLifecycle<Config extends CommonConfig>(
  name: string,
  app: ConfiguredApp<Config>,
  { logger, metrics, tracing }: ServiceSenses,
  host: ServiceHost,
  loadConfig: (() => Promise<Config>) | undefined,
): Lifecycle {
  const lifecycle = new Lifecycle({
    logger,
    metrics,
    drainTimeoutMs: () => app.config.drainTimeout,
    drainDelayMs: () => app.config.drainDelay,
    process: host.process,
    ...(loadConfig ? { reload: async () => app.reload(await loadConfig()) } : {}),
  });
  lifecycle.onExit("traces", () => tracing.shutdown());
  lifecycle.onExit("metrics", () => metrics.shutdown());
  lifecycle.addApp(name, app);
  return lifecycle;
}
