/** `node flood-process.ts PLAN`: runs one flood (`FloodPlan` as JSON) and prints a `FloodResult`. A process of its own, so that it takes no time from whoever measures. */
import type { FloodPlan } from "./flood-plan.ts";
import { TcpFlood } from "./tcp-flood.ts";
import { runUdpFlood } from "./udp-flood.ts";

const plan = JSON.parse(process.argv[2]!) as FloodPlan;
console.log("begun");
const result = plan.kind.startsWith("udp-") ? await runUdpFlood(plan) : await new TcpFlood(plan).run();
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);
