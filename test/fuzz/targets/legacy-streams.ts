import assert from "node:assert/strict";
import { ScriptedEnvironment } from "@shadowfleet/testkit";
import { addressFrom, createClientStream, readAddress } from "@shadowfleet/wire";
import { createLegacyCipher } from "../../../packages/wire/src/legacy/cipher.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { addressBytes, payloadBytes, pick } from "../models/addresses.ts";
import { deliver, perhapsDamaged, randomSplit, whole } from "../models/delivery.ts";
import { LEGACY_PORTS, type TestPort } from "../models/keys.ts";
import { CountingFilter, receive, summary } from "../models/server-stream.ts";

function encrypt(port: TestPort, iv: Buffer, plain: Buffer): Buffer {
  const { method, key } = port.key.credential;
  const wire = Buffer.alloc(iv.length + plain.length);
  iv.copy(wire);
  createLegacyCipher(method, key, iv, "seal").apply(plain, 0, plain.length, wire, iv.length);
  return wire;
}

/** Nothing is authenticated, so any bytes say something: the same in any pieces, and undamaged exactly what was sent. */
const request: FuzzTarget = {
  name: "legacy-request",
  reaches: ["ok", "more", "BAD_ADDRESS", "BAD_HEADER"],
  unit: 4_000,
  generate: (random) => [addressBytes(random), payloadBytes(random).subarray(0, 2_000)],
  execute(parts, random) {
    const port = pick(LEGACY_PORTS, random);
    const plain = Buffer.concat(parts);
    const { bytes, isDamaged } = perhapsDamaged(encrypt(port, random.bytes(port.method.saltLength), plain), random);
    const filter = new CountingFilter();
    const first = receive(port, randomSplit(bytes, random), filter, random);
    assert.equal(summary(first), summary(receive(port, whole(bytes), new CountingFilter(), random)));
    if (first.outcome === "ok") assert.equal(receive(port, whole(bytes), filter, random).outcome, "REPLAYED");
    const address = readAddress(plain, 0, plain.length);
    if (!isDamaged && address.ok) {
      assert.deepEqual(first.target, address.target);
      assert.deepEqual(first.delivered, { plain: plain.subarray(address.next), end: "open" });
    }
    return first.outcome;
  },
};

const answer: FuzzTarget = {
  name: "legacy-answer",
  reaches: ["ok", "more"],
  unit: 4_000,
  generate: (random) => [payloadBytes(random).subarray(0, 2_000)],
  execute(parts, random) {
    const port = pick(LEGACY_PORTS, random);
    const env = new ScriptedEnvironment({ seed: 1 });
    const plain = Buffer.concat(parts);
    const { bytes, isDamaged } = perhapsDamaged(encrypt(port, random.bytes(port.method.saltLength), plain), random);
    const [cut, all] = [randomSplit(bytes, random), whole(bytes)].map((split) => {
      const client = createClientStream(port.client, env);
      client.sealRequest(addressFrom("192.0.2.1", 80)!, Buffer.alloc(0));
      return deliver(client.opener, split);
    });
    assert.deepEqual(cut, all);
    if (!isDamaged) assert.deepEqual(all, { plain, end: "open" });
    return all!.plain.length > 0 ? "ok" : "more";
  },
};

export const legacyStreams: readonly FuzzTarget[] = [request, answer];
