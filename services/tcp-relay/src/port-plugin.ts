import type { PortConfig, PortPlugin } from "@shadowfleet/relay";
import { FleetError, type HostPort, PluginProcess } from "@shadowfleet/runtime";
import type { RelayContext } from "./relay-context.ts";

/** The plugin that listens at a port in the relay's place, if there is one. */
export function pluginOf(port: number, plugins: readonly PortPlugin[] = []): PortPlugin | undefined {
  return plugins.find(({ ports }) => ports === undefined || ports.includes(port));
}

/**
 * Starts a port's SIP003 plugin, which takes clients there and hands them to `local`. Rejects with FleetError PLUGIN_FAILED when it does not come to
 * accept; once it has, it is kept running until it is stopped.
 */
export async function startPortPlugin(
  { host, port }: PortConfig,
  { program, pluginOptions }: PortPlugin,
  local: HostPort,
  { logger, metrics, clock }: RelayContext,
): Promise<PluginProcess> {
  const launch = async () => ({ remote: { host, port }, local, accepts: { host: reachable(host), port } });
  const plugin = new PluginProcess({ program, pluginOptions, launch, logger: logger.child({ port }), metrics, clock });
  if (await plugin.start()) return plugin;
  await plugin.stop();
  throw new FleetError("PLUGIN_FAILED", `the plugin of port ${port} does not accept connections`);
}

function reachable(host: string): string {
  return host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
}
