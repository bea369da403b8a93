import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type RedisServer, type SocksEndpoint, startRedis } from "@shadowfleet/testkit";
import { Api } from "../fleet/api.ts";
import { DatagramLink } from "../fleet/datagram-link.ts";
import { Fleet, type Member } from "../fleet/fleet.ts";
import { Link } from "../fleet/link.ts";
import type { LoadedFleet } from "../traffic/loaded-fleet.ts";
import { TargetProcess } from "../traffic/target-process.ts";
import { SmallDisk } from "./small-disk.ts";

const CLOCKED = join(import.meta.dirname, "clocked-service.ts");
const METHOD = "2022-blake3-aes-128-gcm";
/** Of the links before the relays. */
const LINK_HOSTS = ["127.0.0.11", "127.0.0.12"];
const LOSS_SEED = 20;
const UDP_IDLE = "3s";
const DISK_SIZE = 64;
/** Few enough to use them up. */
export const DESCRIPTORS = 300;

export interface ChaosFleetOptions {
  /** Default: one of SIP022. */
  readonly method?: string;
  /** Of Redis' disk, in MB. Default: soon filled. */
  readonly diskSize?: number;
  /** Of every process, instead of a Redis with an append-only file behind a link. */
  readonly store?: object;
}

/**
 * The fleet that suffers: processes on loopback, two of each relay, two managements and a gateway, all configuration declared. Between its parts are links in
 * the test's hands: before Redis, before each management, and between the gateway and relays. The first relay of either kind has a clock that can be
 * stepped, the second tcp-relay few descriptors.
 */
export class ChaosFleet implements LoadedFleet, AsyncDisposable {
  readonly upstreamIds = ["relay-1", "relay-2"];
  readonly fleet: Fleet;
  readonly target: TargetProcess;
  /** A management's, past its link. */
  readonly api: Api;
  readonly managementLinks: readonly Link[];
  /** Between the gateway and the first tcp-relay; the other one is reached directly, for a link would hide that it refuses connections. */
  readonly relayLink: Link;
  /** Between the gateway and each udp-relay. */
  readonly datagramLinks: readonly DatagramLink[];
  readonly #own: OwnStore | undefined;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.fleet = parts.fleet;
    this.target = parts.target;
    this.api = parts.api;
    this.#own = parts.own;
    this.managementLinks = parts.managementLinks;
    this.relayLink = parts.relayLink;
    this.datagramLinks = parts.datagramLinks;
    this.#resources = resources;
  }

  static async start({ store, method = METHOD, diskSize = DISK_SIZE }: ChaosFleetOptions = {}): Promise<ChaosFleet> {
    await using resources = new AsyncDisposableStack();
    const own = store ? undefined : await startStore(resources, diskSize);
    const managementLinks: Link[] = [];
    const target = resources.use(await TargetProcess.start());
    const relay = { timeouts: { handshake: "2s", dial: "3s", udpIdle: UDP_IDLE }, drainTimeout: "3s" };
    const gateway = { policy: "round-robin", timeouts: { dial: "2s", udpIdle: UDP_IDLE } };
    const fleet = resources.use(
      await Fleet.start({
        store: store ?? { type: "redis", url: `redis://127.0.0.1:${own?.redisLink.port}` },
        managements: 2,
        tcpRelays: LINK_HOSTS.length,
        udpRelays: LINK_HOSTS.length,
        gateways: 1,
        declared: (port) => declared(port, method),
        settings: { "tcp-relay": relay, "udp-relay": relay, gateway },
        relayProcess: (name, index) => {
          if (index === 0) return { main: CLOCKED };
          return name === "tcp-relay" ? { maxDescriptors: DESCRIPTORS } : {};
        },
        linkManagement: async (port) => {
          const link = resources.use(await Link.start({ toPort: port }));
          managementLinks.push(link);
          return link.port;
        },
      }),
    );
    const port = fleet.relayPort;
    const relayLink = resources.use(await Link.start({ host: LINK_HOSTS[0]!, port, toPort: port }));
    const datagramLinks: DatagramLink[] = [];
    for (const [index, host] of LINK_HOSTS.entries()) {
      const toHost = fleet.udpRelays[index]!.host;
      datagramLinks.push(resources.use(await DatagramLink.start({ host, port, toHost, seed: LOSS_SEED + index })));
    }
    const api = new Api(fleet.managements[0]!.port);
    resources.defer(() => api.close());
    const parts = { fleet, target, api, own, managementLinks, relayLink, datagramLinks };
    return new ChaosFleet(parts, resources.move());
  }

  get gateway(): Member {
    return this.fleet.gateways[0]!;
  }

  get proxy(): SocksEndpoint {
    return this.gateway;
  }

  get udpProxy(): SocksEndpoint {
    return this.gateway;
  }

  /** Its Redis, the disk of that, and the link before it. */
  get store(): OwnStore {
    if (!this.#own) throw new Error("this fleet's store is another one");
    return this.#own;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

type Parts = Pick<ChaosFleet, "fleet" | "target" | "api" | "managementLinks" | "relayLink" | "datagramLinks"> & {
  readonly own: OwnStore | undefined;
};

interface OwnStore {
  readonly redis: RedisServer;
  readonly redisLink: Link;
  readonly disk: SmallDisk;
}

/** An append-only file, each write on disk before its answer. */
async function startStore(resources: AsyncDisposableStack, diskSize: number): Promise<OwnStore> {
  const disk = resources.use(await SmallDisk.mount(diskSize));
  const redis = resources.use(await startRedis({ dir: disk.dir, appendonly: true, args: ["--appendfsync", "always"] }));
  const redisLink = resources.use(await Link.start({ toPort: redis.port }));
  return { redis, redisLink, disk };
}

/** A port, its key and both relays as upstreams: what an empty Redis cannot take away. */
function declared(port: number, method: string): object {
  const [identityKey, secret] = [randomBytes(16).toString("base64"), randomBytes(16).toString("base64")];
  const hasIdentity = method.startsWith("2022-");
  const common = { port, method, secret: hasIdentity ? `${identityKey}:${secret}` : secret };
  const [first, second] = LINK_HOSTS;
  return {
    ports: [{ port, method, ...(hasIdentity ? { identityKey } : {}) }],
    keys: [{ id: "load", port, secret }],
    upstreams: [
      { id: "relay-1", host: first, ...common },
      { id: "relay-2", host: "127.0.0.2", udpHost: second, ...common },
    ],
  };
}
