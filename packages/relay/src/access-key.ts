import type { ByteMeter } from "@shadowfleet/transport";
import type { ServerKey } from "@shadowfleet/wire";
import type { KeyLimiter } from "./limits/key-limiter.ts";
import type { TargetRules } from "./target-guard.ts";

/** Payload bytes of one access key on one port, TCP and UDP by the same rule. Monotonic, across reloads and secret changes. */
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
  readonly targets?: TargetRules | undefined;
  /** The same object across reloads and secret changes. Undefined: not limited. */
  readonly limiter?: KeyLimiter | undefined;
  /** The same key under the secret that is being rotated out: opens sessions as well, counted by the same meter. */
  readonly previous?: AccessKey | undefined;
  /** Whether this is what `previous` of another one leads to. */
  readonly isPrevious?: boolean;
}
