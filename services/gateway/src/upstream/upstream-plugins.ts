import { bindTcp, type Clock, type HostPort, type Logger, type Metrics, PluginProcess } from "@shadowfleet/runtime";
import type { Upstream, UpstreamPlugin } from "./upstream.ts";

export interface UpstreamPluginsDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

const LOOPBACK = "127.0.0.1";

/** The SIP003 plugins in front of upstreams: one process each, at a free port of loopback, which is dialled instead of the upstream. */
export class UpstreamPlugins {
  readonly #deps: UpstreamPluginsDeps;
  readonly #running = new Map<string, PluginProcess>();

  constructor(deps: UpstreamPluginsDeps) {
    this.#deps = deps;
  }

  /** Starts those that do not run yet. Resolves when each of them accepts or has failed once, after which it is tried again. */
  async start(upstreams: readonly Upstream[]): Promise<void> {
    const arriving = upstreams.filter(({ plugin }) => plugin !== undefined).filter((upstream) => !this.#running.has(keyOf(upstream)));
    await Promise.all(arriving.map((upstream) => this.#open(upstream, upstream.plugin!)));
  }

  /** Ends those that none of these upstreams has, and the connections that go through them. */
  async retain(upstreams: readonly Upstream[]): Promise<void> {
    const wanted = new Set(upstreams.map(keyOf));
    const leaving = [...this.#running].filter(([key]) => !wanted.has(key));
    for (const [key] of leaving) this.#running.delete(key);
    await Promise.all(leaving.map(([, plugin]) => plugin.stop()));
  }

  /** Where to dial for TCP; undefined while its plugin has never been started. */
  endpoint(upstream: Upstream): HostPort | undefined {
    return upstream.plugin ? this.#running.get(keyOf(upstream))?.address : upstream;
  }

  async #open(upstream: Upstream, { program, pluginOptions }: UpstreamPlugin): Promise<void> {
    const key = keyOf(upstream);
    if (this.#running.has(key)) return;
    const launch = async () => {
      const local = { host: LOOPBACK, port: await bindTcp(LOOPBACK, 0) };
      return { remote: { host: upstream.host, port: upstream.port }, local, accepts: local };
    };
    const plugin = new PluginProcess({ ...this.#deps, program, pluginOptions, launch });
    this.#running.set(key, plugin);
    await plugin.start();
  }
}

/** Upstreams that differ in their keys alone share a plugin. */
function keyOf({ host, port, plugin }: Upstream): string {
  return JSON.stringify([host, port, plugin?.program, plugin?.pluginOptions]);
}
