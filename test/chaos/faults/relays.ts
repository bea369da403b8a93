import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { withDeadline } from "@shadowfleet/testkit";
import type { Member } from "../../fleet/fleet.ts";
import type { ChaosFault } from "../chaos-fault.ts";
import type { ChaosFleet } from "../chaos-fleet.ts";
import { holdGarbage } from "../garbage.ts";
import { type Limits, UNNOTICED } from "../limits.ts";
import { MemoryCage } from "../memory-cage.ts";

/** A flush interval is one second, and its timer comes late on a machine that has too much to do. */
const UNFLUSHED_S = 2;
/** The other relay is there; what was on its way through the dead one is not. */
const RELAY_GONE: Limits = { sessions: 2, failedShare: 0.1, datagramShare: 0, uncountedS: UNFLUSHED_S, recoveryS: 5 };
/** Nothing tells the gateway that a udp-relay is gone: until it is back, every second association is with it. */
const UDP_RELAY_GONE: Limits = { ...UNNOTICED, datagramShare: 0.6, uncountedS: UNFLUSHED_S, recoveryS: 5 };
const EXIT_DEADLINE_MS = 20_000;

/** The second relay of either kind ends, or stands still. */
export function relayFaults({ fleet }: ChaosFleet, lastsMs: number): ChaosFault[] {
  const [tcpRelay, udpRelay] = [fleet.tcpRelays[1]!, fleet.udpRelays[1]!];
  const startAgain = async (relay: Member): Promise<void> => {
    await sleep(lastsMs);
    await relay.start();
  };
  return [
    {
      id: "relay-stopped",
      name: "tcp-relay told to stop (SIGTERM), its sessions end while it drains; started again",
      part: "tcp-relay",
      limits: { ...UNNOTICED, failedShare: 0.1, recoveryS: 5 },
      happen: async (flows) => {
        tcpRelay.signal("SIGTERM");
        await sleep(1_000);
        for (const flow of flows) flow.finish();
        await endsInOrder(tcpRelay);
        await startAgain(tcpRelay);
      },
    },
    {
      id: "relay-killed",
      name: "tcp-relay killed (SIGKILL), started again",
      part: "tcp-relay",
      limits: RELAY_GONE,
      losesCounts: true,
      happen: async () => {
        await tcpRelay.kill();
        await startAgain(tcpRelay);
      },
    },
    {
      id: "relay-out-of-memory",
      name: "tcp-relay out of memory, killed by the kernel; started again",
      part: "tcp-relay",
      limits: RELAY_GONE,
      losesCounts: true,
      happen: async () => {
        const { pid, exited } = tcpRelay.process.program;
        await using _cage = MemoryCage.around(pid);
        await using _garbage = await holdGarbage(tcpRelay);
        const { signal } = await withDeadline(exited, EXIT_DEADLINE_MS, "the kernel to end the relay");
        assert.equal(signal, "SIGKILL");
        await startAgain(tcpRelay);
      },
    },
    {
      id: "relay-frozen",
      name: "tcp-relay frozen (SIGSTOP)",
      part: "tcp-relay",
      limits: { ...UNNOTICED, recoveryS: 2 },
      happen: async () => {
        tcpRelay.signal("SIGSTOP");
        await sleep(lastsMs);
        tcpRelay.signal("SIGCONT");
      },
    },
    {
      id: "udp-relay-stopped",
      name: "udp-relay told to stop (SIGTERM), started again",
      part: "udp-relay",
      limits: { ...UDP_RELAY_GONE, uncountedS: 0 },
      happen: async () => {
        udpRelay.signal("SIGTERM");
        await endsInOrder(udpRelay);
        await startAgain(udpRelay);
      },
    },
    {
      id: "udp-relay-killed",
      name: "udp-relay killed (SIGKILL), started again",
      part: "udp-relay",
      limits: UDP_RELAY_GONE,
      losesCounts: true,
      happen: async () => {
        await udpRelay.kill();
        await startAgain(udpRelay);
      },
    },
  ];
}

async function endsInOrder(member: Member): Promise<void> {
  const { program } = member.process;
  const status = await withDeadline(program.exited, EXIT_DEADLINE_MS, `the end of ${member.name}`);
  assert.deepEqual(status, { code: 0, signal: null }, program.output);
}
