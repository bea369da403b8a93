import type { AccessKeyTable, RelayConfig, SessionEnd, SessionRegistry, TargetGuard } from "@shadowfleet/relay";
import type { Clock, Logger, Metrics, WorkerContext } from "@shadowfleet/runtime";
import type { Resolver, TrustedSources } from "@shadowfleet/transport";
import type { WireEnvironment } from "@shadowfleet/wire";
import type { Connections } from "./connections.ts";
import type { SaltFilters } from "./salt-filters.ts";
import type { SessionMetrics } from "./session-metrics.ts";
import type { SharedReplay } from "./shared-replay.ts";
import type { SilentDrain, StrangerLimits } from "./silent-drain.ts";

/** What a reload replaces as a whole; a connection uses what is in force when it needs it. */
export interface RelaySettings {
  readonly config: RelayConfig;
  readonly guard: TargetGuard;
  /** Proxies whose connections begin with a PROXY protocol header, where there are some. */
  readonly proxies: TrustedSources | undefined;
  readonly strangerLimits: StrangerLimits;
}

/** What all client connections of the service share. */
export interface RelayContext {
  readonly settings: RelaySettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sessionMetrics: SessionMetrics;
  readonly clock: Clock;
  readonly environment: WireEnvironment;
  readonly resolver: Resolver;
  readonly keys: AccessKeyTable;
  /** Authenticated sessions by key. */
  readonly sessions: SessionRegistry;
  /** All client connections. */
  readonly connections: Connections;
  readonly silentDrain: SilentDrain;
  readonly saltFilters: SaltFilters;
  readonly sharedReplay: SharedReplay;
  readonly worker: WorkerContext | undefined;
  /** Told once for every authenticated session, after it has left the registry. Undefined: nobody asks. */
  readonly onSessionEnd: ((end: SessionEnd) => void) | undefined;
}
