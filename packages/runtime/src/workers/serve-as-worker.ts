import { systemClock } from "../clock.ts";
import type { CommonConfig } from "../common-config.ts";
import type { Lifecycle } from "../lifecycle.ts";
import { ServiceApp } from "../service-app.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import type { ServiceHost } from "../service-host.ts";
import { serviceLifecycle } from "../service-lifecycle.ts";
import { openSenses } from "../service-senses.ts";
import { type Channel, ProcessLink } from "./process-link.ts";
import { WorkerMembership } from "./worker-context.ts";
import type { WorkerSeat } from "./worker-seat.ts";

/**
 * The service as one worker of a group: as by itself, but health and metrics go to the first process, from which reloads and stops come. Signals
 * work too: SIGTERM to a worker has it drain, and another takes its place.
 */
export async function serveAsWorker<Config extends CommonConfig>(
  service: ServiceDefinition<Config>,
  config: Config,
  loadConfig: (() => Promise<Config>) | undefined,
  host: ServiceHost,
  seat: WorkerSeat,
): Promise<void> {
  const senses = await openSenses(service, config, host, seat);
  const { logger, metrics, tracing } = senses;
  const { traceConnection } = tracing;
  const channel = process as Channel;
  const worker = new WorkerMembership(
    seat,
    (handlers) =>
      new ProcessLink(channel, {
        ...handlers,
        readiness: () => lifecycle.readiness()[service.name],
        metrics: () => metrics.scrape(),
        reload: () => lifecycle.reload(),
        stop: (drainTimeoutMs: number) => void lifecycle.stop("the group stops", drainTimeoutMs),
      }),
  );
  const deps = { logger, metrics, clock: host.clock ?? systemClock, worker, ...(traceConnection ? { traceConnection } : {}) };
  const app = new ServiceApp(service, config, deps, undefined);
  const lifecycle: Lifecycle = serviceLifecycle(service.name, app, senses, host, loadConfig);
  // Without the first process nobody would restart or stop this one; its clients may finish.
  const stop = () => void lifecycle.stop("the first process is gone");
  channel.on("disconnect", stop);
  // It may have gone while this one was loading: nobody says so any more.
  if (!channel.connected) stop();
  await lifecycle.start();
  worker.tellStarted();
}
