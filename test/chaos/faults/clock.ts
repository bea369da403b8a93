import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "@shadowfleet/testkit";
import type { Member } from "../../fleet/fleet.ts";
import { seriesValue } from "../../inherited/measured.ts";
import type { ChaosFault } from "../chaos-fault.ts";
import type { ChaosFleet } from "../chaos-fleet.ts";
import { UNNOTICED } from "../limits.ts";

const STEP_S = 300;
const STEPPED_DEADLINE_MS = 5_000;
const BAD_TIMESTAMP = { error_type: "BAD_TIMESTAMP" };

/** The clock of the machine with the first relays is set wrong and right again. SIP022 grants 30 s. */
export function clockFaults({ fleet }: ChaosFleet, lastsMs: number): ChaosFault[] {
  const relays = [fleet.tcpRelays[0]!, fleet.udpRelays[0]!];
  const stepTo = async (seconds: number): Promise<void> => {
    for (const relay of relays) relay.process.program.write(`${seconds}\n`);
    for (const relay of relays)
      await eventually("the step", async () => Math.abs((await aheadOf(relay)) - seconds) < 2, STEPPED_DEADLINE_MS);
  };
  return [STEP_S, -STEP_S].map((seconds) => ({
    id: seconds > 0 ? "clock-ahead" : "clock-behind",
    name: `clock of one tcp-relay and one udp-relay 5 min ${seconds > 0 ? "ahead" : "behind"}, then right again`,
    part: "clock",
    isAlone: true,
    // Live sessions go on. New ones of that relay, every second, are refused in silence. An answer with the wrong time to a request from before the step
    // is counted by the relay, and refused by the gateway.
    limits: { ...UNNOTICED, failedShare: 0.6, datagramShare: 0.6, uncountedS: 0.01, recoveryS: 3 },
    happen: async () => {
      const refusals = async () => seriesValue(await relays[0]!.process.metrics(), "shadowsocks_handshake_failures_total", BAD_TIMESTAMP);
      const before = await refusals();
      await stepTo(seconds);
      await sleep(lastsMs);
      assert.ok((await refusals()) > before, "nobody was refused for the time");
      await stepTo(0);
    },
  }));
}

/** As Prometheus sees it: what the process says the time is, against when it was asked. */
async function aheadOf(relay: Member): Promise<number> {
  return seriesValue(await relay.process.metrics(), "fleet_clock_seconds") - Date.now() / 1000;
}
