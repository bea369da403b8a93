import type { Clock, Logger, Metrics, WorkerContext } from "@shadowfleet/runtime";
import type { Resolver, TrustedSources } from "@shadowfleet/transport";
import type { WireEnvironment } from "@shadowfleet/wire";
import type { GatewayConfig } from "../config.ts";
import type { PacketCounts } from "../datagram/packet-counts.ts";
import type { ProxyUsers } from "../front/proxy-users.ts";
import type { Connector } from "../upstream/connector.ts";
import type { Picker } from "../upstream/picker.ts";
import type { Receptions } from "./receptions.ts";
import type { SessionCounts } from "./session-counts.ts";
import type { SessionEnd } from "./session-end.ts";
import type { Sessions } from "./sessions.ts";
import type { Traffic } from "./traffic.ts";

/** What a reload replaces as a whole; a session uses what is in force when it needs it. */
export interface GatewaySettings {
  readonly config: GatewayConfig;
  readonly users: ProxyUsers;
  /** Load balancers whose connections begin with a PROXY protocol header, where there are some. */
  readonly balancers: TrustedSources | undefined;
  readonly picker: Picker;
  readonly connector: Connector;
}

/** What all client connections share. */
export interface GatewayContext {
  readonly settings: GatewaySettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly environment: WireEnvironment;
  readonly resolver: Resolver;
  readonly sessions: Sessions;
  readonly receptions: Receptions;
  readonly counts: SessionCounts;
  readonly traffic: Traffic;
  readonly packets: PacketCounts;
  readonly worker: WorkerContext | undefined;
  /** Told once for every client connection, after it is closed. */
  readonly onSessionEnd: (end: SessionEnd) => void;
}
