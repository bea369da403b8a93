import { createPortHandshake, type OpenPort, type PortConfig } from "@shadowfleet/relay";
import type { HostPort } from "@shadowfleet/runtime";
import { type Connection, listenTcp, type TcpListener } from "@shadowfleet/transport";
import { pluginOf, startPortPlugin } from "./port-plugin.ts";
import { ProxiedClient } from "./proxied-client.ts";
import type { RelayContext } from "./relay-context.ts";
import { Session } from "./session.ts";
import type { Stranger } from "./silent-drain.ts";

/** A listening port of the relay, with the address the kernel gave it. */
export interface RelayPort extends OpenPort {
  readonly host: string;
  readonly port: number;
  /** After `close`: ends what live sessions still come through, and them with it. */
  end(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";

/** Binds a port and serves it. Its keys are looked up at every accept, so that a reload reaches them without touching the listener. */
export async function openRelayPort(config: PortConfig, context: RelayContext): Promise<RelayPort> {
  const { host, port } = config;
  const plugin = pluginOf(port, context.settings.config.plugins);
  if (!plugin) {
    const listener = await listen({ host, port }, port, context, accept);
    return { host: listener.host, port: listener.port, close: () => listener.close(), end: async () => {} };
  }
  // Who comes from the plugin is nobody's proxy: no header is looked for.
  const listener = await listen({ host: LOOPBACK, port: 0 }, port, context, serve);
  try {
    const running = await startPortPlugin(config, plugin, listener, context);
    return { host, port, close: () => listener.close(), end: () => running.stop() };
  } catch (error) {
    await listener.close();
    throw error;
  }
}

type OnConnection = (connection: Connection, port: number, context: RelayContext) => void;

/** `port`: the number by which the configuration knows it. */
async function listen(address: HostPort, port: number, context: RelayContext, onConnection: OnConnection): Promise<TcpListener> {
  const { logger, metrics, settings, worker } = context;
  return await listenTcp({
    ...address,
    maxConnections: settings.config.maxConnections,
    worker,
    onConnection: (connection) => onConnection(connection, port, context),
    onPauseChange: (paused, reason) => {
      if (paused) metrics.add("shadowsocks.listener.pauses", 1);
      logger[paused ? "warn" : "info"]({ port, reason }, paused ? "accepting paused" : "accepting resumed");
    },
  });
}

function accept(connection: Connection, port: number, context: RelayContext): void {
  const { proxies } = context.settings;
  if (proxies && (connection.remoteHost === "" || proxies.trusts(connection.remoteHost)))
    new ProxiedClient(connection, port, context, serve).start();
  else serve(connection, port, context);
}

/** `waited`: who has waited for the header of the client's proxy, where it came through one. */
function serve(connection: Connection, port: number, context: RelayContext, waited?: Stranger): void {
  const keys = context.keys.portKeys(port);
  if (!keys) {
    // A reload has taken the port away and its listener is closing.
    if (waited) context.silentDrain.release(waited);
    connection.destroy();
    return;
  }
  const { config } = context.settings;
  const handshake = createPortHandshake(keys, connection.remoteHost, context.environment, {
    saltFilter: context.saltFilters.filterFor(port, keys.method.kind, config.replayFilter),
    allowSegmentedHeader: config.allowSegmentedHeader,
  });
  new Session(connection, port, handshake, context).start(waited);
}
