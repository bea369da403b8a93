import { hostname } from "node:os";
import { AdminServer } from "./admin-server.ts";
import { systemClock } from "./clock.ts";
import type { CommonConfig } from "./common-config.ts";
import { type ConfigSource, readConfigFile } from "./config-source.ts";
import { codeOf } from "./fleet-error.ts";
import { EXIT_BAD_CONFIG, EXIT_DRAINED, EXIT_FAILED, Lifecycle } from "./lifecycle.ts";
import { createLogger } from "./logger.ts";
import { type ProcessHandle, systemProcess } from "./process-handle.ts";
import { createMetrics } from "./prometheus-metrics.ts";
import { redactedConfigYaml } from "./redacted-config.ts";
import { ServiceApp } from "./service-app.ts";
import type { ServiceDefinition } from "./service-definition.ts";
import { parseServiceFlags, type ServiceFlags, usageText } from "./service-flags.ts";
import { startTracing } from "./tracing.ts";

/** The outside of a service: what it prints to and is stopped by. */
export interface ServiceHost {
  readonly process: ProcessHandle;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Receives log lines. Default: stdout. */
  readonly logDestination?: { write(line: string): void };
}

const systemHost: ServiceHost = {
  process: systemProcess,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};

/**
 * Runs one service in this process, from the command line to the exit: configuration, log, metrics, admin server, signals, app. Resolves
 * once the service runs or the exit function was called; the exit code says how it ended (see `Lifecycle`).
 */
export async function runService<Config extends CommonConfig>(
  service: ServiceDefinition<Config>,
  argv: readonly string[] = process.argv.slice(2),
  host: ServiceHost = systemHost,
): Promise<void> {
  const { name, version, summary, extraFlags = [] } = service;
  const parsed = parseServiceFlags(argv, extraFlags);
  if (!parsed.ok) {
    host.stderr(`${name}: ${parsed.reason}\n\n${usageText(name, summary, extraFlags)}`);
    return host.process.exit(EXIT_BAD_CONFIG);
  }
  const { flags } = parsed;
  if (flags.help || flags.version) {
    host.stdout(flags.help ? usageText(name, summary, extraFlags) : `${name} ${version} (Node.js ${process.version})\n`);
    return host.process.exit(EXIT_DRAINED);
  }
  const loadConfig = async () => service.load(await sourceOf(flags), flags);
  let config: Config;
  try {
    config = await loadConfig();
  } catch (error) {
    const code = codeOf(error);
    host.stderr(`${name}: ${code === "CONFIG_INVALID" ? (error as Error).message : (error as Error).stack}\n`);
    return host.process.exit(code === "CONFIG_INVALID" ? EXIT_BAD_CONFIG : EXIT_FAILED);
  }
  if (flags.checkConfig) {
    host.stdout(redactedConfigYaml(config));
    return host.process.exit(EXIT_DRAINED);
  }
  await serve(service, config, flags.configFile === undefined ? undefined : loadConfig, host);
}

async function sourceOf({ configFile }: ServiceFlags): Promise<ConfigSource> {
  return configFile === undefined ? { name: "(no --config)", data: {} } : await readConfigFile(configFile);
}

async function serve<Config extends CommonConfig>(
  service: ServiceDefinition<Config>,
  config: Config,
  loadConfig: (() => Promise<Config>) | undefined,
  host: ServiceHost,
): Promise<void> {
  const { name, version } = service;
  const { logDestination: destination } = host;
  const { traces } = config.telemetry;
  const identity = { serviceName: name, version, instanceId: `${hostname()}-${process.pid}` };
  const logger = createLogger({ name, ...config.log, traced: traces.endpoint !== undefined, ...(destination ? { destination } : {}) });
  const tracing = await startTracing({ ...identity, traces, logger });
  const { traceConnection } = tracing;
  const metrics = createMetrics({
    ...identity,
    onReadError: (error) => logger.error({ code: "INTERNAL", err: error }, "a metric could not be read"),
  });
  const admin: AdminServer = new AdminServer({ logger, metrics, readiness: () => lifecycle.readiness() });
  const deps = { logger, metrics, clock: systemClock, ...(traceConnection ? { traceConnection } : {}) };
  const app = new ServiceApp(service, config, deps, admin);
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
  lifecycle.onExit("admin server", () => admin.close());
  lifecycle.addApp(name, app);
  await lifecycle.start();
}
