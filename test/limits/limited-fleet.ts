import assert from "node:assert/strict";
import { AccessKey, type AccessKeyLimits, type AccessKeyUsage, CalendarUnit } from "@shadowfleet/control-api";
import { eventually, type RedisServer, startRedis } from "@shadowfleet/testkit";
import { type Credential, deriveCredential } from "@shadowfleet/wire";
import { Api } from "../fleet/api.ts";
import { Fleet, redisStore } from "../fleet/fleet.ts";
import { DatagramClient } from "./datagram-client.ts";
import { StreamClient } from "./stream-client.ts";
import { Target } from "./target.ts";

const WORKERS = 2;
/** A machine that is busy with much else. */
const DEADLINE_MS = 30_000;

export type WantedLimits = Parameters<typeof AccessKeyLimits.fromPartial>[0];

type Direction = "up" | "down" | "quiet";

export interface LimitedFleetOptions {
  readonly tcpRelays?: number;
  readonly udpRelays?: number;
  readonly whenUnavailable?: "continue" | "refuse";
}

/** A key of the fleet, and whoever uses it. */
export interface LimitedKey {
  readonly id: string;
  readonly credential: Credential;
}

/** Three relays of two workers each for TCP, as many for UDP, management and Redis, all processes of their own; targets in this one. */
export class LimitedFleet implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly fleet: Fleet;
  readonly api: Api;
  readonly target: Target;
  #keys = 0;

  private constructor(redis: RedisServer, fleet: Fleet, target: Target) {
    this.redis = redis;
    this.fleet = fleet;
    this.target = target;
    this.api = new Api(fleet.managements[0]!.port);
  }

  static async start({ tcpRelays = 3, udpRelays = 3, whenUnavailable = "continue" }: LimitedFleetOptions = {}): Promise<LimitedFleet> {
    // Its file survives its process; a busy disk must not stop it.
    const redis = await startRedis({ appendonly: true, args: ["--appendfsync", "no"] });
    const own = { workers: WORKERS, limits: { whenUnavailable } };
    const settings = { "tcp-relay": own, "udp-relay": own };
    try {
      const fleet = await Fleet.start({ store: redisStore(redis), tcpRelays, udpRelays, settings });
      return new LimitedFleet(redis, fleet, await Target.start());
    } catch (error) {
      await redis.stop();
      throw error;
    }
  }

  /** A new key with these limits, in force on every relay. */
  async createKey(limits: WantedLimits): Promise<LimitedKey> {
    const { accessKeys } = this.api.clients;
    const id = `key-${++this.#keys}`;
    const { accessKey } = await this.api.call(accessKeys, accessKeys.createAccessKey, {
      accessKey: AccessKey.fromPartial({ id, limits }),
      requestId: "",
    });
    assert.ok(accessKey);
    const derived = deriveCredential(accessKey.method, accessKey.secret);
    assert.ok(derived.ok);
    await this.#isInForce();
    return { id, credential: derived.credential };
  }

  /** Changes fields of a key; resolves when management has taken the change. */
  async update(id: string, change: Parameters<typeof AccessKey.fromPartial>[0], ...updateMask: string[]): Promise<void> {
    const { accessKeys } = this.api.clients;
    await this.api.call(accessKeys, accessKeys.updateAccessKey, { accessKey: AccessKey.fromPartial({ id, ...change }), updateMask });
  }

  async resetQuota(id: string): Promise<void> {
    const { accessKeys } = this.api.clients;
    await this.api.call(accessKeys, accessKeys.resetQuota, { id });
  }

  /** Bytes of a key as they were counted, once the last of them have been flushed. */
  async countedBytes(id: string): Promise<number> {
    let before = -1;
    await eventually(
      "the counters to stand still",
      async () => {
        // Behind an outage the store may still be away.
        const now = await this.api.totalBytes({ $case: "accessKeyId", value: id }).catch(() => -1);
        const isStill = now >= 0 && now === before;
        before = now;
        if (!isStill) await new Promise((resolve) => setTimeout(resolve, 1_200));
        return isStill;
      },
      DEADLINE_MS,
    );
    return before;
  }

  /** Connections of a key, evenly over the relays. `from`: the client's own address. */
  async open(key: LimitedKey, direction: Direction, connections: number, from = "127.0.0.1"): Promise<StreamClient[]> {
    const relays = this.fleet.tcpRelays;
    return Promise.all(Array.from({ length: connections }, (_, index) => this.openAt(key, direction, index % relays.length, from)));
  }

  openAt({ id, credential }: LimitedKey, direction: Direction, relay: number, from = "127.0.0.1"): Promise<StreamClient> {
    const { host } = this.fleet.tcpRelays[relay]!;
    const at = { host, port: this.fleet.relayPort, from };
    return StreamClient.open({ ...at, credential, target: this.target.tcp, direction, name: id });
  }

  openDatagrams({ id, credential }: LimitedKey, relay: number, bytesPerSecond: number): Promise<DatagramClient> {
    const { host } = this.fleet.udpRelays[relay]!;
    return DatagramClient.open({ host, port: this.fleet.relayPort, credential, target: this.target.udp, bytesPerSecond, name: id });
  }

  /** What of a key's limits is used, as management knows it. */
  async usage(id: string): Promise<AccessKeyUsage> {
    const { accessKeys } = this.api.clients;
    const { accessKey } = await this.api.call(accessKeys, accessKeys.getAccessKey, { id });
    assert.ok(accessKey?.usage, "no usage of limits in the answer");
    return accessKey.usage;
  }

  /** Every relay has acknowledged the newest configuration. */
  async #isInForce(): Promise<void> {
    const { fleet } = this.api.clients;
    await eventually(
      "every relay to have the newest configuration",
      async () => {
        const { members, revision } = await this.api.call(fleet, fleet.getFleet, {});
        const relays = members.filter(({ id }) => id.includes("relay"));
        const wanted = WORKERS * (this.fleet.tcpRelays.length + this.fleet.udpRelays.length);
        return relays.length === wanted && relays.every((relay) => relay.appliedRevision >= revision);
      },
      DEADLINE_MS,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api.close();
    await this.fleet[Symbol.asyncDispose]();
    await this.target.close();
    await this.redis.stop();
  }
}

export const mbit = (count: number): bigint => BigInt(count * 1_000_000);

/** A quota of an hour of the calendar. */
export const hourQuota = (bytes: number) => ({
  bytes: BigInt(bytes),
  window: { $case: "calendar" as const, value: { unit: CalendarUnit.CALENDAR_UNIT_HOUR } },
});
