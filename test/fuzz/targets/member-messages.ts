import assert from "node:assert/strict";
import { WatchConfigResponse } from "@shadowfleet/control-api";
import { createLogger } from "@shadowfleet/runtime";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { ConfigurationFold } from "../../../packages/control-api/src/configuration-fold.ts";
import { type MemberConfiguration, NO_CONFIGURATION } from "../../../packages/control-api/src/member-configuration.ts";
import { PortPlans } from "../../../packages/relay/src/fleet/port-plans.ts";
import { planFleetUpstreams } from "../../../services/gateway/src/fleet/fleet-upstreams.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { pick } from "../models/addresses.ts";

const NOW_MS = 1_700_000_000_000;
const PSK = "AAECAwQFBgcICQoLDA0ODw==";
const TARGETS = ["10.0.0.0/8", "::1", "a.example", "10.0.0.0/33"];
const SETTINGS = { allowInsecureCiphers: false };
const LOGGER = createLogger({ name: "fuzz", level: "silent", destination: { write: () => undefined } });
const MAX_TICKS = 200;

const time = (random: PseudoRandom): Date | undefined =>
  random.below(2) === 0 ? undefined : new Date(NOW_MS + (random.below(2_000) - 1_000) * 1_000);

function message(random: PseudoRandom): Buffer {
  const port = pick([8388, 8389], random);
  const targets = random.below(4) === 0 ? { allowTargets: [pick(TARGETS, random)], denyTargets: [pick(TARGETS, random)] } : {};
  const key = { id: pick(["a", "b", "c"], random), displayName: "", port, secrets: [pick(["one", "two", PSK], random)], ...targets };
  const times = { startTime: time(random), expireTime: time(random), overlapExpireTime: time(random) };
  const content = {
    ports: [
      {
        port,
        host: "127.0.0.1",
        method: pick(["aes-256-gcm", "2022-blake3-aes-128-gcm"], random),
        identityKey: pick(["", "", PSK], random),
      },
    ],
    keys: [{ ...key, ...times, secrets: random.below(3) === 0 ? [...key.secrets, "old"] : key.secrets }],
    upstreams: [
      { id: pick(["u", "v"], random), host: "relay.example", port, method: "aes-256-gcm", secret: "x", order: BigInt(random.below(9)) },
    ],
    failCounts: [{ upstreamId: "u", count: random.below(3) }],
  };
  const removed = random.below(3) === 0 ? { removedPorts: [port], removedKeys: [key.id], removedUpstreams: ["u"] } : {};
  const event =
    random.below(2) === 0
      ? ({ $case: "snapshot", value: { ...content, more: random.below(6) === 0 } } as const)
      : ({ $case: "delta", value: { ...content, ...removed } } as const);
  return Buffer.from(WatchConfigResponse.encode(WatchConfigResponse.fromPartial({ revision: 1n, generation: "g", event })).finish());
}

/** What a relay or gateway makes of a stream from management, message by message and in time: what it serves can be told apart, and is bounded. */
export const memberMessages: FuzzTarget = {
  name: "member-messages",
  reaches: ["ok", "undecodable"],
  unit: 1_500,
  generate: (random) => Array.from({ length: 1 + random.below(5) }, () => message(random)),
  execute(parts) {
    const fold = new ConfigurationFold(NO_CONFIGURATION);
    const plans = new PortPlans(SETTINGS, LOGGER);
    for (const part of parts) {
      let decoded: WatchConfigResponse;
      try {
        decoded = WatchConfigResponse.decode(part);
      } catch (error) {
        assert.ok(error instanceof Error);
        return "undecodable";
      }
      const { event, ...version } = decoded;
      if (event?.$case === "snapshot") fold.replace([event.value], version);
      else if (event?.$case === "delta") fold.change(event.value, version);
      else fold.move(version);
      plans.follow(fold.current, NOW_MS);
      check(plans);
    }
    // Followed all at once, the same is served. Of two keys with one secret, which management never makes, the first to come keeps it.
    const fresh = new PortPlans(SETTINGS, LOGGER);
    fresh.follow(fold.current, NOW_MS);
    if (!hasTwins(fold.current)) assert.equal(secretsOf(plans), secretsOf(fresh));
    for (let ticks = 0; ticks < MAX_TICKS && Number.isFinite(plans.nextChangeMs); ticks += 1) {
      const before = plans.nextChangeMs;
      plans.tick(before);
      check(plans);
      assert.ok(plans.nextChangeMs > before, "time goes on");
    }
    const { upstreams } = planFleetUpstreams(fold.current.upstreams, false);
    assert.ok(upstreams.length <= fold.current.upstreams.length);
    return "ok";
  },
};

function hasTwins({ ports }: MemberConfiguration): boolean {
  return [...ports.values()].some(({ keys }) => {
    const secrets = [...keys.keys()].map((id) => keys.get(id)?.secrets[0]);
    return new Set(secrets).size < secrets.length;
  });
}

function check(plans: PortPlans): void {
  for (const { port, keys } of plans.served) {
    assert.ok(port >= 1 && port <= 0xffff);
    const secrets = keys.map(({ credential }) => credential.key.toString("hex"));
    assert.equal(new Set(secrets).size, secrets.length, "two keys of a port with one secret could not be told apart");
  }
}

function secretsOf(plans: PortPlans): string {
  const served = plans.served.map(({ port, keys }) => [port, keys.map(({ credential }) => credential.key.toString("hex")).sort()] as const);
  return JSON.stringify(served.sort(([a], [b]) => a - b));
}
