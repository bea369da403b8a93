import type { MemberCommand, OldSecretUse, PortStatus } from "./gen/shadowfleet/v1/config.ts";
import type { MemberKind } from "./gen/shadowfleet/v1/fleet.ts";

/** Which process of the fleet this is. */
export interface MemberIdentity {
  /** Unique in the fleet. */
  readonly id: string;
  readonly kind: MemberKind;
  readonly version: string;
  /** Changes with every start of the process. */
  readonly epoch: string;
  readonly startedAtMs: number;
}

/** How a member is now. */
export interface MemberState {
  readonly ready: boolean;
  readonly draining: boolean;
  readonly sessionCount: number;
  /** Every port it should serve. */
  readonly ports: PortStatus[];
  /** Not received by management yet. */
  readonly oldSecretUses: OldSecretUse[];
}

/** An order to members: exactly one. */
export type MemberOrder = NonNullable<MemberCommand["command"]>;
