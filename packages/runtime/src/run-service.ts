import type { CommonConfig } from "./common-config.ts";
import { type ConfigSource, readConfigFile } from "./config-source.ts";
import { codeOf } from "./fleet-error.ts";
import { EXIT_BAD_CONFIG, EXIT_DRAINED, EXIT_FAILED } from "./lifecycle.ts";
import { systemProcess } from "./process-handle.ts";
import { redactedConfigYaml } from "./redacted-config.ts";
import { serveAlone } from "./serve-alone.ts";
import type { ServiceDefinition } from "./service-definition.ts";
import { parseServiceFlags, type ServiceFlags, usageText } from "./service-flags.ts";
import type { ServiceHost } from "./service-host.ts";
import { expectShortLives } from "./short-lives.ts";
import { serveAsGroup } from "./workers/serve-as-group.ts";
import { serveAsWorker } from "./workers/serve-as-worker.ts";
import { workerSeat } from "./workers/worker-seat.ts";

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
  expectShortLives();
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
  const reloadable = flags.configFile === undefined ? undefined : loadConfig;
  const seat = workerSeat();
  const workers = service.workers?.(config) ?? 1;
  if (seat) await serveAsWorker(service, config, reloadable, host, seat);
  else if (workers > 1) await serveAsGroup(service, config, reloadable, host, workers);
  else await serveAlone(service, config, reloadable, host);
}

async function sourceOf({ configFile }: ServiceFlags): Promise<ConfigSource> {
  return configFile === undefined ? { name: "(no --config)", data: {} } : await readConfigFile(configFile);
}
