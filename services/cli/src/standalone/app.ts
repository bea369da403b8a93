import { setTimeout as wait } from "node:timers/promises";
import type { App, AppDeps, Readiness } from "@shadowfleet/runtime";
import { bannerText } from "./banner.ts";
import { Composition } from "./composition.ts";
import type { StandaloneConfig } from "./config.ts";
import { DemoPage } from "./demo-page.ts";

/** How long the relays may take to get their first configuration before the banner is shown all the same. */
const READY_WITHIN_MS = 10_000;
const READY_POLL_MS = 20;

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
    const fleet = await Composition.start(this.#config, this.#deps);
    this.#fleet = fleet;
    await this.#untilReady();
    const { host, port } = fleet.gateway.address;
    const { accessUri, loopbackTargets, managementPort, httpPort } = fleet;
    const facts = { accessUri, loopbackTargets, managementPort, httpPort, proxyHost: host, proxyPort: port, pageUrl: this.#page.url };
    this.#print(await bannerText(facts));
  }

  async #untilReady(): Promise<void> {
    const until = this.#deps.clock.monotonic() + READY_WITHIN_MS;
    while (!this.readiness().ready && this.#deps.clock.monotonic() < until) await wait(READY_POLL_MS);
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
    await this.#fleet?.drain(deadlineMs);
    await this.#page.close();
  }
}

export function createApp(config: StandaloneConfig, deps: AppDeps, print: (text: string) => void): App<StandaloneConfig> {
  return new Standalone(config, deps, print);
}
