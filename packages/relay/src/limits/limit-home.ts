import type { SessionClaim, SessionVerdict } from "@shadowfleet/store";
import type { KeyLimiter } from "./key-limiter.ts";

/** Where a key's limiter asks for what the fleet leaves to it. */
export interface LimitHome {
  /** The store does not answer. */
  readonly isAway: boolean;
  /** What becomes of a key whose limits nobody can look up. */
  readonly whenUnavailable: "continue" | "refuse";
  /** The key is active and has something to tell or to ask: as soon as may be. */
  urge(limiter: KeyLimiter): void;
  /** Asks for a place of a session. Answers soon and never rejects. */
  claim(claim: SessionClaim): Promise<SessionVerdict | "unavailable">;
}
