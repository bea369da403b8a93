import type { Clock, Logger } from "@shadowfleet/runtime";
import type { FleetStore } from "@shadowfleet/store";
import type { FleetDirectory } from "./directory/fleet-directory.ts";
import type { Members } from "./directory/members.ts";
import type { ManagementTiming } from "./timing.ts";

/** Where clients reach relays. */
export interface PublicHost {
  readonly host: string;
  /** Relays behind it, by id; a `*` at the end stands for anything. Empty: every relay. */
  readonly members: readonly string[];
}

/** What a reload may change for the next call. */
export interface ManagementSettings {
  /** What ss:// URIs name. */
  readonly publicHost: string;
  /** What key documents name, at least one. */
  readonly publicHosts: readonly PublicHost[];
  /** What links to key documents are derived from; undefined: chosen at every start. */
  readonly linkSecret: Buffer | undefined;
  readonly defaults: { readonly port: number; readonly method: string };
  readonly allowInsecureCiphers: boolean;
}

/** What every room of management works with. */
export interface ManagementContext {
  readonly store: FleetStore;
  readonly directory: FleetDirectory;
  readonly members: Members;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: ManagementTiming;
  /** Read it for every call. */
  readonly settings: ManagementSettings;
}
