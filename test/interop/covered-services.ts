import { createApp as createGateway, loadGatewayConfig } from "@shadowfleet/gateway";
import { loadRelayConfig } from "@shadowfleet/relay";
import { type AppDeps, systemClock } from "@shadowfleet/runtime";
import { createApp as createTcpRelay } from "@shadowfleet/tcp-relay";
import { createMemoryLogger, findProgram, freePort, RecordingMetrics } from "@shadowfleet/testkit";
import { createApp as createUdpRelay } from "@shadowfleet/udp-relay";
import type { Proxy as ProxyAddress } from "./exchanges.ts";

/** A SIP003 plugin by name, and the options of one end. */
export type PluginEnd = readonly [name: string, options: string];

export interface ServerPlace {
  readonly port: number;
  readonly method: string;
  readonly secret: string;
}

const appDeps = (): AppDeps => ({ logger: createMemoryLogger().logger, metrics: new RecordingMetrics(), clock: systemClock });

/** A gateway whose one upstream stands behind a plugin, as an `ss://` URI says it. */
export async function startCoveredGateway([name, options]: PluginEnd, upstream: ServerPlace): Promise<ProxyAddress & AsyncDisposable> {
  const port = await freePort();
  const login = `${encodeURIComponent(upstream.method)}:${encodeURIComponent(upstream.secret)}`;
  const query = encodeURIComponent(`${name};${options}`);
  const data = {
    listen: { host: "127.0.0.1", port },
    plugins: { [name]: findProgram(name) },
    upstreams: [`ss://${login}@127.0.0.1:${upstream.port}/?plugin=${query}`],
  };
  const gateway = createGateway(loadGatewayConfig({ name: "test", data }), appDeps());
  await gateway.start();
  return { host: "127.0.0.1", port, [Symbol.asyncDispose]: () => gateway.drain(0) };
}

/** Both relays on one port: TCP behind a plugin, UDP beside it. */
export async function startCoveredRelays([name, options]: PluginEnd, { port, method, secret }: ServerPlace): Promise<AsyncDisposable> {
  const data = {
    ports: [{ host: "127.0.0.1", port, method, password: secret }],
    plugins: [{ program: findProgram(name), pluginOptions: options }],
    // A plugin hands bytes on as they come to it, not as they were sent.
    allowSegmentedHeader: true,
    allowPrivateTargets: true,
  };
  const config = loadRelayConfig({ name: "test", data });
  const relays = [createTcpRelay(config, appDeps()), createUdpRelay(config, appDeps())];
  for (const relay of relays) await relay.start();
  return {
    [Symbol.asyncDispose]: async () => {
      for (const relay of relays) await relay.drain(0);
    },
  };
}
