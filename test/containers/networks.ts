import { randomBytes } from "node:crypto";
import { type ContainerRuntimeClient, getReaper, LABEL_TESTCONTAINERS_SESSION_ID } from "testcontainers";
import { suiteLabels } from "./engine.ts";

export interface FleetNetwork {
  readonly name: string;
  /** IPv4 block, as "172.20.0.0/16". */
  readonly subnet: string;
  remove(): Promise<void>;
}

/** Networks of one fleet: the target is reachable from relays only, Redis from members and management only. */
export interface FleetNetworks extends AsyncDisposable {
  /** Redis, management, members. No way out. */
  readonly control: FleetNetwork;
  /** Gateways, relays, and everything that publishes a port. */
  readonly edge: FleetNetwork;
  /** Relays and targets. */
  readonly targets: FleetNetwork;
}

export async function createNetworks(client: ContainerRuntimeClient): Promise<FleetNetworks> {
  const { sessionId } = await getReaper(client);
  const labels = { ...suiteLabels, [LABEL_TESTCONTAINERS_SESSION_ID]: sessionId };
  const fleet = `shadowfleet-test-${randomBytes(4).toString("hex")}`;
  const made: FleetNetwork[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(made.map((network) => network.remove()));
  };
  const create = async (name: string, internal: boolean): Promise<FleetNetwork> => {
    const network = await client.network.create({ Name: `${fleet}-${name}`, Driver: "bridge", Internal: internal, Labels: labels });
    const { IPAM } = await network.inspect();
    const created = {
      name: `${fleet}-${name}`,
      subnet: IPAM?.Config?.[0]?.Subnet ?? "",
      remove: async () => void (await network.remove()),
    };
    made.push(created);
    return created;
  };
  try {
    const control = await create("control", true);
    const edge = await create("edge", false);
    return { control, edge, targets: await create("targets", false), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
