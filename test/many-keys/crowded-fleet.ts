import {
  eventually,
  type RedisServer,
  startEchoTarget,
  startRedis,
  startUdpEchoTarget,
  type TcpTarget,
  type UdpTarget,
} from "@shadowfleet/testkit";
import type { ProcessUsage } from "../bench/measure/process-usage.ts";
import { readUsage } from "../bench/measure/process-usage.ts";
import { Api } from "../fleet/api.ts";
import { Fleet, redisStore } from "../fleet/fleet.ts";
import { declarationOf, type Point } from "./point.ts";

const PAGE_SIZE = 1_000;
const SETTLE_DEADLINE_MS = 30_000;

/** Payload bytes of one access key: up and down, TCP and UDP. */
export type Counts = readonly [tcpUp: number, tcpDown: number, udpUp: number, udpDown: number];

/** Real processes: Redis, management that declares the points' keys, one tcp-relay and one udp-relay; echo targets. */
export class CrowdedFleet implements AsyncDisposable {
  readonly echo: TcpTarget;
  readonly udpEcho: UdpTarget;
  readonly #redis: RedisServer;
  readonly #fleet: Fleet;
  readonly #api: Api;
  readonly #expected = new Map<string, [number, number, number, number]>();

  private constructor(redis: RedisServer, fleet: Fleet, echo: TcpTarget, udpEcho: UdpTarget) {
    this.#redis = redis;
    this.#fleet = fleet;
    this.#api = new Api(fleet.managements[0]!.port);
    this.echo = echo;
    this.udpEcho = udpEcho;
  }

  static async start(points: readonly Point[]): Promise<CrowdedFleet> {
    const redis = await startRedis();
    const fleet = await Fleet.start({ store: redisStore(redis), tcpRelays: 1, udpRelays: 1, declared: () => declarationOf(points) });
    const crowded = new CrowdedFleet(redis, fleet, await startEchoTarget(), await startUdpEchoTarget());
    const isBound = async (): Promise<boolean> => {
      const { accessKeys: _keys, fleet: status } = crowded.#api.clients;
      const { members } = await crowded.#api.call(status, status.getFleet, {});
      return members.filter(({ ready }) => ready).length === 2;
    };
    await eventually("both relays to serve the keys", isBound, SETTLE_DEADLINE_MS);
    return crowded;
  }

  /** CPU of the tcp-relay so far. */
  usage(): ProcessUsage {
    return readUsage(this.#fleet.tcpRelays[0]!.process.program.pid);
  }

  /** Bytes that were echoed to a client of this key, and are to be counted. */
  count(keyId: string, transport: "tcp" | "udp", bytes: number): void {
    const counts = this.#expected.get(keyId) ?? [0, 0, 0, 0];
    const at = transport === "tcp" ? 0 : 2;
    counts[at]! += bytes;
    counts[at + 1]! += bytes;
    this.#expected.set(keyId, counts);
  }

  /** What clients saw, by key. */
  get expected(): ReadonlyMap<string, Counts> {
    return this.#expected;
  }

  /** What the fleet has counted, by key, once that is as many bytes as clients saw. */
  async counted(): Promise<ReadonlyMap<string, Counts>> {
    const sum = (all: ReadonlyMap<string, Counts>): number => [...all.values()].flat().reduce((total, bytes) => total + bytes, 0);
    let found: ReadonlyMap<string, Counts> = new Map();
    const isWhole = async (): Promise<boolean> => {
      found = await this.#read();
      return sum(found) >= sum(this.#expected);
    };
    await eventually("every byte to be counted", isWhole, SETTLE_DEADLINE_MS).catch(() => undefined);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#api.close();
    await this.#fleet[Symbol.asyncDispose]();
    await Promise.all([this.echo.close(), this.udpEcho.close()]);
    await this.#redis.stop();
  }

  async #read(): Promise<ReadonlyMap<string, Counts>> {
    const { traffic } = this.#api.clients;
    const found = new Map<string, Counts>();
    let pageToken = "";
    do {
      const page = await this.#api.call(traffic, traffic.listTraffic, { pageSize: PAGE_SIZE, pageToken });
      for (const { subject, total } of page.traffic)
        found.set(subject, [
          Number(total?.tcpUpBytes),
          Number(total?.tcpDownBytes),
          Number(total?.udpUpBytes),
          Number(total?.udpDownBytes),
        ]);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }
}
