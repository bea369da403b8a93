import type { ConfigUpstream } from "@shadowfleet/control-api";
import { planUpstreams } from "../formats/upstream-plan.ts";
import type { Upstream } from "../upstream/upstream.ts";

export interface FleetUpstreams {
  readonly upstreams: readonly Upstream[];
  /** A sentence for every upstream that is left out; none quotes a secret. */
  readonly problems: readonly string[];
}

/** Makes management's upstreams ready for use. One that cannot be used is left out and does not take the others with it. */
export function planFleetUpstreams(configured: readonly ConfigUpstream[], allowInsecureCiphers: boolean): FleetUpstreams {
  const drafts = configured.map(({ id, host, udpHost, port, method, secret }) => ({
    id,
    host,
    udpHost: udpHost === "" ? undefined : udpHost,
    port,
    method,
    secret,
    tag: undefined,
    path: id,
    hostPath: `${id}: host`,
    udpHostPath: `${id}: udpHost`,
    methodPath: `${id}: method`,
    secretPath: `${id}: secret`,
  }));
  // What comes over the network never names a program.
  const { upstreams, problems } = planUpstreams(drafts, { allowInsecureCiphers, plugins: new Map() });
  return { upstreams, problems: problems.map(({ path, reason }) => `upstream ${path} ${reason}`) };
}
