import { type ContainerRuntimeClient, getContainerRuntimeClient } from "testcontainers";

type Dockerode = ContainerRuntimeClient["container"]["dockerode"];

export const REDIS_IMAGE = "redis:7";
export const NODE_IMAGE = "node:26-bookworm-slim";

const LABEL = "io.shadowfleet.test";
const SUITE = "containers";
/** Every container and network of the suite bears them, so that what a killed run left behind can be told from other people's. */
export const suiteLabels: Readonly<Record<string, string>> = { [LABEL]: SUITE };
/** No run lasts so long. */
const LEFT_OVER_AFTER_S = 20 * 60;

/**
 * The engine, cleared of what earlier runs of this suite left behind. The suite removes itself what it made, and the library's reaper does when the test
 * process is killed; this is for where the reaper is switched off.
 */
export async function openEngine(): Promise<ContainerRuntimeClient> {
  const client = await getContainerRuntimeClient();
  await sweep(client.container.dockerode);
  return client;
}

async function sweep(docker: Dockerode): Promise<void> {
  const filters = { label: [`${LABEL}=${SUITE}`] };
  const before = Date.now() / 1000 - LEFT_OVER_AFTER_S;
  for (const { Id, Created } of await docker.listContainers({ all: true, filters })) {
    if (Created < before) await docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone);
  }
  for (const { Id, Created } of await docker.listNetworks({ filters })) {
    if (Created !== undefined && Date.parse(Created) / 1000 < before) await docker.getNetwork(Id).remove().catch(ignoreGone);
  }
}

/** Somebody else was faster. */
export function ignoreGone(error: unknown): void {
  const { statusCode } = error as { readonly statusCode?: number };
  if (statusCode !== 404 && statusCode !== 409) throw error;
}
