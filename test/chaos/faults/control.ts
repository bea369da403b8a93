import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "@shadowfleet/testkit";
import type { Member } from "../../fleet/fleet.ts";
import { seriesValue } from "../../inherited/measured.ts";
import type { ChaosFault } from "../chaos-fault.ts";
import type { ChaosFleet } from "../chaos-fleet.ts";
import { UNNOTICED } from "../limits.ts";
import { writesAreTaken } from "../writes.ts";

const FOLLOWS_DEADLINE_MS = 60_000;
const REFUSED = { outcome: "CONFIG_INVALID" };

/** Management away, the gateway gone, files that are wrong. */
export function controlFaults(chaos: ChaosFleet, lastsMs: number): ChaosFault[] {
  const { fleet, gateway, managementLinks } = chaos;
  const { managements } = fleet;
  return [
    {
      id: "one-management-killed",
      name: "one management of two killed (SIGKILL), started again",
      part: "management",
      limits: UNNOTICED,
      happen: async () => {
        await managements[1]!.kill();
        await writesAreTaken(chaos.api);
        await sleep(lastsMs);
        await managements[1]!.start();
      },
    },
    {
      id: "management-killed",
      name: "both managements killed (SIGKILL), started again",
      part: "management",
      limits: UNNOTICED,
      happen: async () => {
        await Promise.all(managements.map((management) => management.kill()));
        await sleep(lastsMs);
        await Promise.all(managements.map((management) => management.start()));
        await everyMemberFollows(chaos);
      },
    },
    {
      id: "management-partition",
      name: "no byte passes between members and management",
      part: "management",
      limits: UNNOTICED,
      happen: async () => {
        for (const link of managementLinks) link.mode = "hold";
        await writesAreTaken(chaos.api);
        await sleep(lastsMs);
        for (const link of managementLinks) link.mode = "pass";
        await everyMemberFollows(chaos);
      },
    },
    {
      id: "gateway-killed",
      name: "gateway killed (SIGKILL), started again at once",
      part: "gateway",
      // Relays count on; what they had sent to the dead gateway never arrived.
      limits: { sessions: 4, failedShare: 1, datagramShare: 1, uncountedS: 1, recoveryS: 5 },
      losesCounts: true,
      happen: async () => {
        await gateway.kill();
        await gateway.start();
      },
    },
    {
      id: "bad-config",
      name: "gateway and tcp-relay told to reload files with mistakes",
      part: "gateway",
      isAlone: true,
      limits: UNNOTICED,
      happen: async () => {
        for (const member of [gateway, fleet.tcpRelays[1]!]) await refusesBadFile(member);
      },
    },
  ];
}

/** Waits until members have what management has: what was changed while they heard nothing is there too. */
async function everyMemberFollows(chaos: ChaosFleet): Promise<void> {
  await writesAreTaken(chaos.api);
  const { tcpRelays, udpRelays, gateways, managements } = chaos.fleet;
  const target = await revisionOf(managements[0]!);
  for (const member of [...tcpRelays, ...udpRelays, ...gateways]) {
    await eventually(`${member.name} to follow`, async () => (await revisionOf(member).catch(() => -1)) >= target, FOLLOWS_DEADLINE_MS);
  }
}

async function revisionOf(member: Member): Promise<number> {
  return seriesValue(await member.process.metrics(), "fleet_config_revision");
}

async function refusesBadFile(member: Member): Promise<void> {
  const { configFile, metrics } = member.process;
  const refusals = async () => seriesValue(await metrics(), "fleet_config_reloads_total", REFUSED);
  const [good, before] = [readFileSync(configFile), await refusals()];
  writeFileSync(configFile, JSON.stringify({ ...JSON.parse(good.toString()), timeouts: { dial: "soon" } }));
  try {
    member.signal("SIGHUP");
    await eventually(`${member.name} to refuse the file`, async () => (await refusals()) === before + 1, FOLLOWS_DEADLINE_MS);
  } finally {
    writeFileSync(configFile, good);
  }
  assert.ok(member.process.program.isRunning, `${member.name} ended`);
}
