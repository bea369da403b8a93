import { AdminServer } from "../admin-server.ts";
import type { CommonConfig } from "../common-config.ts";
import type { Lifecycle } from "../lifecycle.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import type { ServiceHost } from "../service-host.ts";
import { type ConfiguredApp, serviceLifecycle } from "../service-lifecycle.ts";
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
  const senses = await openSenses(service, config, host);
  const { logger, metrics } = senses;
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
  let current = config;
  const app: ConfiguredApp<Config> = {
    get config() {
      return current;
    },
    start: async () => {
      logger.info({ version, node: process.version, pid: process.pid, workers: count }, "starting");
      const { host: adminHost, port } = config.admin;
      await admin.listen({ host: adminHost, port }, adminDefaultPort);
      await group.start();
    },
    reload: async (next) => {
      current = next;
      await group.reload();
      if ((workers?.(next) ?? 1) !== count) logger.warn("a change of workers takes effect at the next start");
    },
    readiness: () => group.readiness(),
    drain: (deadlineMs) => group.drain(deadlineMs),
  };
  const lifecycle: Lifecycle = serviceLifecycle(name, app, senses, host, loadConfig);
  lifecycle.onExit("admin server", () => admin.close());
  lifecycle.onExit("workers", () => group.close());
  await lifecycle.start();
}
