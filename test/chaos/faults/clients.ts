import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, runProgram } from "@shadowfleet/testkit";
import { seriesValue } from "../../inherited/measured.ts";
import type { ChaosFault } from "../chaos-fault.ts";
import type { ChaosFleet } from "../chaos-fleet.ts";
import { holdGarbage, sendGarbage } from "../garbage.ts";
import { UNNOTICED } from "../limits.ts";
import { StuckDownloads } from "../stuck-downloads.ts";

const MB = 1_000_000;
/** All that stuck downloads together may cost a process. */
const STUCK_COST_BYTES = 64 * MB;
/** Of descriptors, once there are so few. */
const SPARE = 3;
const SERVES_DEADLINE_MS = 20_000;

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
      // A connection that was accepted may find none left for its target; every second one goes there.
      limits: { ...UNNOTICED, failedShare: 0.6, recoveryS: 4 },
      happen: async () => {
        const { pid } = tcpRelay.process.program;
        const pauses = async () => seriesValue(await tcpRelay.process.metrics(), "shadowsocks_listener_pauses_total");
        const before = await pauses();
        const limit = await softLimit(pid);
        {
          await setSoftLimit(pid, readdirSync(`/proc/${pid}/fd`).length + SPARE);
          await using _held = await holdGarbage(tcpRelay);
          await sleep(lastsMs);
          await setSoftLimit(pid, limit);
        }
        await eventually("accepting to have paused", async () => (await pauses()) > before, SERVES_DEADLINE_MS);
      },
    },
  ];
}

async function softLimit(pid: number): Promise<number> {
  const { stdout } = await runProgram("prlimit", ["--pid", String(pid), "--nofile", "--output=SOFT", "--noheadings"]);
  return Number(stdout.toString().trim());
}

async function setSoftLimit(pid: number, count: number): Promise<void> {
  const { code, stderr } = await runProgram("prlimit", ["--pid", String(pid), `--nofile=${count}:`]);
  assert.equal(code, 0, `${stderr}`);
}
