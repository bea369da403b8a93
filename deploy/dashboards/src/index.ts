import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { fleetOverview } from "./dashboards/fleet-overview.ts";
import { gateway } from "./dashboards/gateway.ts";
import { limits } from "./dashboards/limits.ts";
import { management } from "./dashboards/management.ts";
import { redis } from "./dashboards/redis.ts";
import { runtime } from "./dashboards/runtime.ts";
import { security } from "./dashboards/security.ts";
import { tcpRelay } from "./dashboards/tcp-relay.ts";
import { udpRelay } from "./dashboards/udp-relay.ts";

/** Every dashboard of the fleet, the overview first. */
export function dashboards(): readonly Dashboard[] {
  return [fleetOverview(), tcpRelay(), udpRelay(), gateway(), management(), limits(), security(), runtime(), redis()];
}

/** The chart's dashboard files by name, as they are committed. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map(dashboards().map((dashboard) => [`${dashboard.uid}.json`, `${JSON.stringify(dashboard, null, 2)}\n`]));
}
