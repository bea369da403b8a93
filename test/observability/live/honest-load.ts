import { udpEchoThrough, uploadThrough } from "../../interop/exchanges.ts";
import { Upload } from "../../traffic/flow.ts";
import { TargetProcess } from "../../traffic/target-process.ts";
import type { ObservedFleet } from "./observed-fleet.ts";
import { Repetition } from "./repetition.ts";

const STEADY_UPLOADS = 2;
const BYTES_PER_SECOND = 1_500_000;
const SHORT_BYTES = 20_000;
const PAUSE_MS = 250;

/** People at work: long uploads, short ones, datagrams, all through the gateway. */
export async function startHonestLoad({ fleet }: ObservedFleet, resources: AsyncDisposableStack): Promise<readonly Repetition[]> {
  const [gateway] = fleet.gateways;
  if (!gateway) throw new Error("there is no gateway");
  const { host } = resources.use(await TargetProcess.start());
  for (let index = 0; index < STEADY_UPLOADS; index++) {
    const upload = await Upload.start({ proxy: gateway, target: host, bytesPerSecond: BYTES_PER_SECOND });
    resources.defer(() => upload.destroy());
  }
  return [
    new Repetition("short uploads", PAUSE_MS, () => uploadThrough(gateway, SHORT_BYTES)),
    new Repetition("datagrams", PAUSE_MS, () => udpEchoThrough(gateway)),
  ].map((repetition) => resources.use(repetition));
}
