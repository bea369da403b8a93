import type { SocksEndpoint } from "@shadowfleet/testkit";
import type { Api } from "../fleet/api.ts";
import type { TargetStats } from "./target/ports.ts";

/** What the fleet's clients talk to, and its counts. */
export interface LoadTarget {
  readonly host: string;
  stats(): Promise<TargetStats>;
}

/** A fleet that load can be put on, whatever its parts run in. */
export interface LoadedFleet {
  readonly target: LoadTarget;
  /** The gateway's SOCKS5 port. Asked for each connection: it may change with a restart. */
  readonly proxy: SocksEndpoint;
  /** Its UDP port, as this machine reaches it. */
  readonly udpProxy: SocksEndpoint;
  /** Of a management that stays, at least while counters are read. */
  readonly api: Api;
  /** The gateway's upstreams, one a tcp-relay. */
  readonly upstreamIds: readonly string[];
}
