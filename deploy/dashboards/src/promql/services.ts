import { anyOf } from "./series.ts";

export type Service = "gateway" | "tcp-relay" | "udp-relay" | "management";

/** Matches the jobs of all services and of nothing else. */
export const ANY_JOB = "shadowfleet-.*";

/** The value of the label `job`, in compose as on Kubernetes. */
export function jobOf(service: Service): string {
  return `shadowfleet-${service}`;
}

/** The labels of one service's series. */
export const TCP_RELAY = { job: jobOf("tcp-relay") };
export const UDP_RELAY = { job: jobOf("udp-relay") };
export const GATEWAY = { job: jobOf("gateway") };
/** What passes the fleet passes a gateway, maybe, and a relay, surely: counted at relays it is counted once. */
export const RELAYS = { job: anyOf([TCP_RELAY.job, UDP_RELAY.job]) };
