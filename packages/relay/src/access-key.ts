import type { ByteMeter } from "@shadowfleet/transport";
import type { ServerKey } from "@shadowfleet/wire";

/** Payload bytes of one access key, TCP and UDP by the same rule. Monotonic while the process lives, across reloads and secret changes. */
export interface TrafficMeter {
  readonly tcp: ByteMeter;
  readonly udp: ByteMeter;
}

/** A person's credential as a relay holds it. */
export interface AccessKey extends ServerKey {
  readonly id: string;
  readonly name: string;
  /** The listening port it works on. */
  readonly port: number;
  readonly meter: TrafficMeter;
}
