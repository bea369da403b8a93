import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { seriesValue } from "../../inherited/measured.ts";
import type { ChaosFault } from "../chaos-fault.ts";
import { type ChaosFleet, DESCRIPTORS } from "../chaos-fleet.ts";
import { holdGarbage, sendGarbage } from "../garbage.ts";
import { holdConnections } from "../held-connections.ts";
import { UNNOTICED } from "../limits.ts";
import { StuckDownloads } from "../stuck-downloads.ts";

const MB = 1_000_000;
/** All that stuck downloads together may cost a process. */
const STUCK_COST_BYTES = 64 * MB;

/** Clients that do what they should not, or are too many. */
export function clientFaults(chaos: ChaosFleet, lastsMs: number): ChaosFault[] {
  const { fleet, gateway } = chaos;
  const tcpRelay = fleet.tcpRelays[1]!;
  let stuck: StuckDownloads | undefined;
  const residents = () =>
    Promise.all(
      [gateway, ...fleet.tcpRelays].map(async ({ process }) => seriesValue(await process.metrics(), "process_resident_memory_bytes")),
    );
  return [
    {
      id: "stuck-peers",
      name: "clients stop reading downloads of 24 MB, and go on later",
      part: "clients",
      limits: UNNOTICED,
      received: () => stuck?.received ?? 0,
      happen: async () => {
        const before = await residents();
        stuck = await StuckDownloads.start(chaos);
        await sleep(lastsMs);
        const after = await residents();
        await stuck.finish();
        for (const [index, bytes] of after.entries()) {
          const more = bytes - before[index]!;
          assert.ok(more < STUCK_COST_BYTES, `${Math.round(more / MB)} MB more for ${stuck.count} stuck downloads`);
        }
      },
    },
    {
      id: "garbage",
      name: "300 connections and 500 datagrams of garbage to each relay",
      part: "clients",
      limits: UNNOTICED,
      happen: async () => {
        for (const relay of fleet.tcpRelays) {
          await using _held = await holdGarbage(relay);
          await sendGarbage(relay);
          await sleep(lastsMs / 2);
        }
      },
    },
    {
      id: "out-of-descriptors",
      name: "tcp-relay out of descriptors, then not",
      part: "tcp-relay",
      isAlone: true,
      // While it refuses, the gateway goes to the other relay.
      limits: { ...UNNOTICED, failedShare: 0.1, recoveryS: 3 },
      happen: async () => {
        const pauses = async () => seriesValue(await tcpRelay.process.metrics(), "shadowsocks_listener_pauses_total");
        const before = await pauses();
        {
          // Every second one is that relay's, and takes two descriptors.
          await using _held = await holdConnections(chaos, DESCRIPTORS);
          await sleep(lastsMs);
        }
        assert.ok((await pauses()) > before, "accepting never paused");
      },
    },
  ];
}
