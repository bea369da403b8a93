/**
 * A relay whose clock a test steps: `node clocked-service.ts --config FILE`, then lines on its standard input, each the seconds its clock is ahead from now
 * on. Which relay it is, the file's `fleet.memberId` says.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Clock, runService, systemClock, systemProcess } from "@shadowfleet/runtime";
import { tcpRelayService } from "@shadowfleet/tcp-relay";
import { udpRelayService } from "@shadowfleet/udp-relay";

let aheadMs = 0;
const clock: Clock = { now: () => systemClock.now() + aheadMs, monotonic: systemClock.monotonic };
createInterface({ input: process.stdin }).on("line", (line) => {
  aheadMs = Number(line) * 1000;
});
process.stdin.unref();

const file = process.argv[process.argv.indexOf("--config") + 1]!;
const { fleet } = JSON.parse(readFileSync(file, "utf8")) as { readonly fleet: { readonly memberId: string } };
const service = fleet.memberId.startsWith("udp") ? udpRelayService : tcpRelayService;
await runService(service, process.argv.slice(2), {
  process: systemProcess,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  clock,
});
