import { AdminServer } from "../admin-server.ts";
import type { CommonConfig } from "../common-config.ts";
import { type DrivenApp, Lifecycle } from "../lifecycle.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import type { ServiceHost } from "../service-host.ts";
import { openSenses } from "../service-senses.ts";
import { WorkerGroup } from "./worker-group.ts";

/**
 * The service as a group of `count` worker processes of the same program, with this one as their first: it has the admin server and takes the
 * signals. Resolves once they serve.
 */
export async function serveAsGroup<Config extends CommonConfig>(
  service: ServiceDefinition<Config>,
  config: Config,
  loadConfig: (() => Promise<Config>) | undefined,
  host: ServiceHost,
  count: number,
): Promise<void> {
  const { name, version, adminDefaultPort, workers, groupAnswers } = service;
  const { logger, metrics, tracing } = await openSenses(service, config, host);
  const [, file = "", ...args] = process.argv;
  const group = new WorkerGroup({
    count,
    program: { file, args },
    logger,
    metrics,
    ...(groupAnswers ? { answers: groupAnswers() } : {}),
  });
  const admin: AdminServer = new AdminServer({
    logger,
    metrics: { scrape: () => group.scrape() },
    readiness: async () => {
      await group.refresh();
      return lifecycle.readiness();
    },
  });
  const app: DrivenApp = {
    start: async () => {
      logger.info({ version, node: process.version, pid: process.pid, workers: count }, "starting");
      const { host: adminHost, port } = config.admin;
      await admin.listen({ host: adminHost, port }, adminDefaultPort);
      await group.start();
    },
    readiness: () => group.readiness(),
    drain: (deadlineMs) => group.drain(deadlineMs),
  };
  let current = config;
  const reload = async (load: () => Promise<Config>) => {
    current = await load();
    await group.reload();
    if ((workers?.(current) ?? 1) !== count) logger.warn("a change of workers takes effect at the next start");
  };
  const lifecycle = new Lifecycle({
    logger,
    metrics,
    drainTimeoutMs: () => current.drainTimeout,
    drainDelayMs: () => current.drainDelay,
    process: host.process,
    ...(loadConfig ? { reload: () => reload(loadConfig) } : {}),
  });
  lifecycle.onExit("traces", () => tracing.shutdown());
  lifecycle.onExit("metrics", () => metrics.shutdown());
  lifecycle.onExit("admin server", () => admin.close());
  lifecycle.onExit("workers", () => group.close());
  lifecycle.addApp(name, app);
  await lifecycle.start();
}
