import { setTimeout as sleep } from "node:timers/promises";
import { eventually, withDeadline } from "@shadowfleet/testkit";
import type { ContainerRuntimeClient } from "testcontainers";
import { type ContainerSpec, SpecContainer } from "./container-spec.ts";
import { ignoreGone } from "./engine.ts";
import type { FleetNetwork } from "./networks.ts";

const START_DEADLINE_MS = 90_000;
const LOG_DEADLINE_MS = 5_000;
const POLL_MS = 50;
const FREEZE_ATTEMPTS = 5;
const FREEZE_PAUSE_MS = 200;

export interface Exit {
  /** 137 when it had to be killed. */
  readonly exitCode: number;
  readonly tookMs: number;
}

/** The engine's stream of both outputs: pieces, each after 8 bytes of which the last four are its length. */
function textOf(stream: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= stream.length; at += 8 + stream.readUInt32BE(at + 4))
    pieces.push(stream.subarray(at + 8, at + 8 + stream.readUInt32BE(at + 4)));
  return Buffer.concat(pieces).toString();
}

/** A container of a fleet under test and what can happen to it. */
export class FleetContainer {
  readonly #spec: ContainerSpec;
  readonly #client: ContainerRuntimeClient;
  readonly #id: string;
  #ports = new Map<string, number>();
  #addresses = new Map<string, string>();

  private constructor(client: ContainerRuntimeClient, spec: ContainerSpec, id: string) {
    this.#client = client;
    this.#spec = spec;
    this.#id = id;
  }

  /** Creates and starts it; ready when this resolves. */
  static async create(client: ContainerRuntimeClient, spec: ContainerSpec): Promise<FleetContainer> {
    const started = await new SpecContainer(client, spec).start();
    const container = new FleetContainer(client, spec, started.getId());
    try {
      await container.#untilReady();
    } catch (error) {
      await container.remove();
      throw error;
    }
    return container;
  }

  get name(): string {
    return this.#spec.name;
  }

  /** Where 127.0.0.1 reaches this port of the container. Another one after each start. */
  port(inside: string): number {
    const port = this.#ports.get(inside);
    if (port === undefined) throw new Error(`${this.name} does not publish ${inside}`);
    return port;
  }

  /** Its own on this network, since its last start. */
  address(network: FleetNetwork): string {
    const address = this.#addresses.get(network.name);
    if (address === undefined) throw new Error(`${this.name} is not on ${network.name}`);
    return address;
  }

  /** Starts it again after `kill` or `stop`; ready when this resolves. */
  async start(): Promise<void> {
    await this.#container.start();
    await this.#untilReady();
  }

  /** SIGKILL, and its end awaited. */
  async kill(): Promise<void> {
    await this.#container.kill({ signal: "SIGKILL" });
    await this.#container.wait();
  }

  /** SIGTERM, and SIGKILL after the grace period, as orchestrators do. */
  async stop(graceS: number): Promise<Exit> {
    const startedMs = performance.now();
    await this.#container.stop({ t: graceS });
    const tookMs = performance.now() - startedMs;
    const { State } = await this.#container.inspect();
    return { exitCode: State.ExitCode, tookMs };
  }

  /** Freezes every process in it: connections stand, nothing answers. */
  async pause(): Promise<void> {
    // On a busy machine the kernel's freezer (cgroup v1) may give up; the engine says so and has undone what was frozen.
    for (let attempt = 1; ; attempt++) {
      try {
        return void (await this.#container.pause());
      } catch (error) {
        if (attempt === FREEZE_ATTEMPTS || !/unable to freeze/.test((error as Error).message)) throw error;
        await sleep(FREEZE_PAUSE_MS);
      }
    }
  }

  async unpause(): Promise<void> {
    await this.#container.unpause();
  }

  async disconnect(network: FleetNetwork): Promise<void> {
    await this.#client.network.getById(network.name).disconnect({ Container: this.#id });
  }

  async connect(network: FleetNetwork): Promise<void> {
    const alias = this.#spec.alias ?? this.name;
    await this.#client.container.connectToNetwork(this.#container, this.#client.network.getById(network.name), [alias]);
  }

  async logs(): Promise<string> {
    const log = this.#container.logs({ stdout: true, stderr: true, tail: 200 });
    return textOf(await withDeadline(log, LOG_DEADLINE_MS, `the log of ${this.name}`));
  }

  async remove(): Promise<void> {
    await this.#container.remove({ force: true, v: true }).catch(ignoreGone);
  }

  get #container(): ReturnType<ContainerRuntimeClient["container"]["getById"]> {
    return this.#client.container.getById(this.#id);
  }

  async #untilReady(): Promise<void> {
    const { NetworkSettings } = await this.#container.inspect();
    this.#ports = new Map(
      Object.entries(NetworkSettings.Ports).flatMap(([inside, bindings]) =>
        bindings?.[0] ? [[inside, Number(bindings[0].HostPort)]] : [],
      ),
    );
    this.#addresses = new Map(Object.entries(NetworkSettings.Networks).map(([name, { IPAddress }]) => [name, IPAddress]));
    const { ready } = this.#spec;
    if (!ready) return;
    const url = `http://127.0.0.1:${this.port(ready.port)}${ready.path}`;
    try {
      await eventually(`${this.name} to be ready`, () => this.#answers(url), START_DEADLINE_MS);
    } catch (error) {
      throw new Error(`${(error as Error).message}; it wrote:\n${await this.logs()}`);
    }
  }

  async #answers(url: string): Promise<boolean> {
    const isOk = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isOk) return true;
    const { State } = await this.#container.inspect();
    if (!State.Running) throw new Error(`${this.name} ended with exit code ${State.ExitCode}`);
    await sleep(POLL_MS);
    return false;
  }
}
