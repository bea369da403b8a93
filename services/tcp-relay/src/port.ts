import { createPortHandshake, type OpenPort, type PortConfig } from "@shadowfleet/relay";
import { type Connection, listenTcp } from "@shadowfleet/transport";
import { ProxiedClient } from "./proxied-client.ts";
import type { RelayContext } from "./relay-context.ts";
import { Session } from "./session.ts";
import type { Stranger } from "./silent-drain.ts";

/** A listening port of the relay, with the address the kernel gave it. */
export interface RelayPort extends OpenPort {
  readonly host: string;
  readonly port: number;
}

/** Binds a port and serves it. Its keys are looked up at every accept, so that a reload reaches them without touching the listener. */
export async function openRelayPort(config: PortConfig, context: RelayContext): Promise<RelayPort> {
  const { logger, metrics, settings } = context;
  return await listenTcp({
    host: config.host,
    port: config.port,
    maxConnections: settings.config.maxConnections,
    worker: context.worker,
    onConnection: (connection) => accept(connection, config.port, context),
    onPauseChange: (paused, reason) => {
      if (paused) metrics.add("shadowsocks.listener.pauses", 1);
      logger[paused ? "warn" : "info"]({ port: config.port, reason }, paused ? "accepting paused" : "accepting resumed");
    },
  });
}

function accept(connection: Connection, port: number, context: RelayContext): void {
  if (context.settings.proxies?.trusts(connection.remoteHost)) new ProxiedClient(connection, port, context, serve).start();
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
