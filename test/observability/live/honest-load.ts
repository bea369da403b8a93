import { Load } from "../../fleet/load.ts";
import { udpEchoThrough, uploadThrough } from "../../interop/exchanges.ts";
import type { ObservedFleet } from "./observed-fleet.ts";
import { Repetition } from "./repetition.ts";

/** About 3 MB/s up. */
const STEADY_CONNECTIONS = 2;
const SHORT_BYTES = 20_000;
const PAUSE_MS = 250;

/** People at work: long uploads, short ones, datagrams, all through the gateway. */
export async function startHonestLoad({ fleet }: ObservedFleet, resources: AsyncDisposableStack): Promise<readonly Repetition[]> {
  const [gateway] = fleet.gateways;
  if (!gateway) throw new Error("there is no gateway");
  resources.use(await Load.start({ proxies: fleet.gateways, connections: STEADY_CONNECTIONS }));
  return [
    new Repetition("short uploads", PAUSE_MS, () => uploadThrough(gateway, SHORT_BYTES)),
    new Repetition("datagrams", PAUSE_MS, () => udpEchoThrough(gateway)),
  ].map((repetition) => resources.use(repetition));
}
