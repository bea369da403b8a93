import type { ErrorCode } from "@shadowfleet/runtime";
import { type LiveConnection, LiveConnections } from "@shadowfleet/transport";

/** A client connection while it lives. */
export interface LiveSession extends LiveConnection {
  readonly transport: "tcp" | "udp";
  /** False until its request is complete: nobody is being served yet. */
  readonly requested: boolean;
  /** Ends it now under this code. */
  terminate(code: ErrorCode): void;
}

/** Every client connection of the gateway. */
export class Sessions extends LiveConnections<LiveSession> {
  constructor() {
    super({ isServing: ({ requested }) => requested, cut: (session) => session.terminate("DRAIN_DEADLINE") });
  }

  count(transport: LiveSession["transport"]): number {
    let count = 0;
    for (const session of this) if (session.transport === transport) count++;
    return count;
  }
}
