import type { App, AppDeps, Readiness } from "@shadowfleet/runtime";
import { bannerText } from "./banner.ts";
import { type Composition, compose } from "./composition.ts";
import type { StandaloneConfig } from "./config.ts";
import { DemoPage } from "./demo-page.ts";

/** The whole fleet in one process. */
class Standalone implements App<StandaloneConfig> {
  readonly #config: StandaloneConfig;
  readonly #deps: AppDeps;
  readonly #print: (text: string) => void;
  readonly #page = new DemoPage();
  #fleet: Composition | undefined;

  constructor(config: StandaloneConfig, deps: AppDeps, print: (text: string) => void) {
    this.#config = config;
    this.#deps = deps;
    this.#print = print;
  }

  async start(): Promise<void> {
    await this.#page.start();
    const fleet = await compose(this.#config, this.#deps);
    this.#fleet = fleet;
    for (const app of fleet.apps.values()) await app.start();
    const { host, port } = fleet.gateway.address;
    const { accessUri, loopbackTargets } = fleet;
    this.#print(await bannerText({ accessUri, loopbackTargets, proxyHost: host, proxyPort: port, pageUrl: this.#page.url }));
  }

  async reload(): Promise<void> {
    this.#deps.logger.warn("the standalone mode takes configuration changes at its next start");
  }

  readiness(): Readiness {
    const states = [...(this.#fleet?.apps ?? [])].map(([name, app]) => [name, app.readiness()] as const);
    return {
      ready: states.length > 0 && states.every(([, state]) => state.ready),
      details: Object.fromEntries(
        states.flatMap(([name, { details }]) => Object.entries(details).map(([key, value]) => [`${name}.${key}`, value])),
      ),
    };
  }

  async drain(deadlineMs: number): Promise<void> {
    await Promise.all([...(this.#fleet?.apps.values() ?? [])].map((app) => app.drain(deadlineMs)));
    await this.#page.close();
  }
}

export function createApp(config: StandaloneConfig, deps: AppDeps, print: (text: string) => void): App<StandaloneConfig> {
  return new Standalone(config, deps, print);
}
