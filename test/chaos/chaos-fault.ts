import type { Fault } from "../traffic/fault.ts";
import type { Limits } from "./limits.ts";

/** What a fault breaks; two that break the same part are not let happen at once. */
export type Part = "redis" | "management" | "tcp-relay" | "udp-relay" | "gateway" | "network" | "clock" | "clients";

export interface ChaosFault extends Fault {
  /** For `--only`. */
  readonly id: string;
  readonly part: Part;
  readonly limits: Limits;
  /** Another fault at the same time could hide what this one has to show. */
  readonly isAlone?: boolean;
}
