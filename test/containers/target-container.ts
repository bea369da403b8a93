import { join } from "node:path";
import type { ContainerRuntimeClient } from "testcontainers";
import { STATS_PORT, type TargetStats } from "../traffic/target/ports.ts";
import { NODE_IMAGE } from "./engine.ts";
import { FleetContainer } from "./fleet-container.ts";
import type { FleetNetwork } from "./networks.ts";

const SCRIPTS = join(import.meta.dirname, "../traffic/target");
const STATS = `${STATS_PORT}/tcp`;

/** What the fleet's clients talk to: echo, sink and source in a container that relays alone can reach, and its counts for the test. */
export class TargetContainer {
  /** Its name on the network of the targets. */
  readonly host = "target";
  readonly container: FleetContainer;

  private constructor(container: FleetContainer) {
    this.container = container;
  }

  static async create(client: ContainerRuntimeClient, network: FleetNetwork): Promise<TargetContainer> {
    const container = await FleetContainer.create(client, {
      name: "target",
      image: NODE_IMAGE,
      networks: [network],
      command: ["node", "/opt/target/server.ts"],
      mounts: [{ source: SCRIPTS, target: "/opt/target" }],
      publish: [STATS],
      ready: { port: STATS, path: "/" },
    });
    return new TargetContainer(container);
  }

  async stats(): Promise<TargetStats> {
    const answer = await fetch(`http://127.0.0.1:${this.container.port(STATS)}/`);
    return (await answer.json()) as TargetStats;
  }
}
