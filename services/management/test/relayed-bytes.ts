import type { ByteCounts, FleetStore } from "@shadowfleet/store";

let sequence = 0;

/** Tells the store that a relay has relayed so much for a key just now. */
export async function relayBytes(store: FleetStore, keyId: string, port: number, bytes: ByteCounts): Promise<void> {
  await store.applyTraffic({
    memberId: "relay-1",
    epoch: "1",
    sequence: ++sequence,
    atMs: Date.now(),
    deltas: [{ keyId, port, ...bytes }],
  });
}
