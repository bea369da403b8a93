import type { AccessKeyTable, RelayConfig, SessionEnd, SessionRegistry, TargetGuard } from "@shadowfleet/relay";
import type { Clock, Logger, Metrics, WorkerContext } from "@shadowfleet/runtime";
import type { Resolver, TrustedSources } from "@shadowfleet/transport";
import type { WireEnvironment } from "@shadowfleet/wire";
import type { Connections } from "./connections.ts";
import type { SaltFilters } from "./salt-filters.ts";
import type { SharedReplay } from "./shared-replay.ts";
import type { SilentDrain } from "./silent-drain.ts";

/** What a reload replaces as a whole; a connection uses what is in force when it needs it. */
export interface RelaySettings {
  readonly config: RelayConfig;
  readonly guard: TargetGuard;
  /** Proxies whose connections begin with a PROXY protocol header, where there are some. */
  readonly proxies: TrustedSources | undefined;
}

/** What all client connections of the service share. */
export interface RelayContext {
  readonly settings: RelaySettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
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
  /** Told once for every authenticated session, after it has left the registry. */
  readonly onSessionEnd: (end: SessionEnd) => void;
}
