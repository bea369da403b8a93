import type { ConfigKey, ConfigPort, ConfigUpstream } from "./gen/shadowfleet/v1/config.ts";
import type { SharedMap } from "./shared-map.ts";

/** A listening port with its access keys. Never changed: a port is the same object for as long as nothing about it changes. */
export interface MemberPort {
  readonly port: number;
  /** Undefined while only its keys have come. */
  readonly config: ConfigPort | undefined;
  /** By id. A key is the same object for as long as it is equal. */
  readonly keys: SharedMap<ConfigKey>;
}

/** What a member is configured with, as of one message of management. Never changed. */
export interface MemberConfiguration {
  readonly revision: bigint;
  readonly generation: string;
  /** By number. */
  readonly ports: ReadonlyMap<number, MemberPort>;
  /** In the order of tries. */
  readonly upstreams: readonly ConfigUpstream[];
  /** failCnt by upstream id; 0 where there is none. */
  readonly failCounts: ReadonlyMap<string, number>;
}

export const NO_CONFIGURATION: MemberConfiguration = {
  revision: 0n,
  generation: "",
  ports: new Map(),
  upstreams: [],
  failCounts: new Map(),
};
