import { AdminServer } from "./admin-server.ts";
import { systemClock } from "./clock.ts";
import type { CommonConfig } from "./common-config.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { ServiceApp } from "./service-app.ts";
import type { ServiceDefinition } from "./service-definition.ts";
import type { ServiceHost } from "./service-host.ts";
import { serviceLifecycle } from "./service-lifecycle.ts";
import { openSenses } from "./service-senses.ts";

/** The service in this process alone: app, admin server, signals. Resolves once it runs. */
export async function serveAlone<Config extends CommonConfig>(
  service: ServiceDefinition<Config>,
  config: Config,
  loadConfig: (() => Promise<Config>) | undefined,
  host: ServiceHost,
): Promise<void> {
  const senses = await openSenses(service, config, host);
  const { logger, metrics, tracing } = senses;
  const { traceConnection } = tracing;
  if (service.workers) metrics.observe("fleet.workers", () => [{ value: 1 }]);
  const admin: AdminServer = new AdminServer({ logger, metrics, readiness: () => lifecycle.readiness() });
  const deps = { logger, metrics, clock: host.clock ?? systemClock, ...(traceConnection ? { traceConnection } : {}) };
  const app = new ServiceApp(service, config, deps, admin);
  const lifecycle: Lifecycle = serviceLifecycle(service.name, app, senses, host, loadConfig);
  lifecycle.onExit("admin server", () => admin.close());
  await lifecycle.start();
}
