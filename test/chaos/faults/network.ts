import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Upstream } from "@shadowfleet/control-api";
import { eventually, startBlackHole } from "@shadowfleet/testkit";
import type { ChaosFault } from "../chaos-fault.ts";
import type { ChaosFleet } from "../chaos-fleet.ts";
import { UNNOTICED } from "../limits.ts";

const HOLE_HOST = "127.0.0.20";
const NOTICED_DEADLINE_MS = 20_000;
const LOSS = 0.1;
const DELAY_MS = 40;

/** Between the gateway and relays. */
export function networkFaults(chaos: ChaosFleet, lastsMs: number): ChaosFault[] {
  const { relayLink, datagramLinks, api } = chaos;
  const { upstreams } = api.clients;
  return [
    {
      id: "upstream-black-hole",
      name: "an upstream is added that swallows every packet, and taken away again",
      part: "network",
      // Those whose turn it is wait for its dial (2 s), until failCnt knows.
      limits: { ...UNNOTICED, recoveryS: 3 },
      happen: async () => {
        await using hole = await startBlackHole(HOLE_HOST);
        const upstream = Upstream.fromPartial({ id: "hole", host: HOLE_HOST, port: hole.port, method: "aes-128-gcm", secret: "nobody" });
        await api.call(upstreams, upstreams.createUpstream, { upstream, accessUri: "", requestId: "" });
        await eventually("its failures to be counted", async () => (await api.failCount("hole")) > 0, NOTICED_DEADLINE_MS);
        await sleep(lastsMs);
        await api.call(upstreams, upstreams.deleteUpstream, { id: "hole" });
      },
    },
    {
      id: "relay-partition",
      name: "no byte passes between gateway and one tcp-relay",
      part: "network",
      // Sessions stand still and go on. Of new ones, every second goes there, and the relay that hears nothing of them gives them up after 2 s.
      limits: { ...UNNOTICED, failedShare: 0.4, recoveryS: 2 },
      happen: async () => {
        relayLink.mode = "hold";
        await sleep(lastsMs);
        relayLink.mode = "pass";
      },
    },
    {
      id: "network-loss",
      name: `between gateway and relays every tenth datagram is lost each way; TCP to one of them is ${DELAY_MS} ms late`,
      part: "network",
      // Lost there or back: 19 %, of few, for each that is lost is waited for.
      limits: { ...UNNOTICED, datagramShare: 0.5, recoveryS: 4 },
      happen: async () => {
        const lost = () => datagramLinks.reduce((sum, link) => sum + link.lost, 0);
        const before = lost();
        relayLink.delayMs = DELAY_MS;
        for (const link of datagramLinks) link.lossShare = LOSS;
        await sleep(2 * lastsMs);
        assert.ok(lost() > before, "no datagram was lost");
        for (const link of datagramLinks) link.lossShare = 0;
        relayLink.delayMs = 0;
      },
    },
  ];
}
