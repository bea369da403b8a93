import type { Clock, Logger } from "@shadowfleet/runtime";
import type { FleetStore } from "@shadowfleet/store";
import type { FleetDirectory } from "./directory/fleet-directory.ts";
import type { Members } from "./directory/members.ts";
import type { ManagementTiming } from "./timing.ts";

/** What a reload may change for the next call. */
export interface ManagementSettings {
  /** What ss:// URIs name. */
  readonly publicHost: string;
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
