import { LiveConnections } from "@shadowfleet/transport";
import type { Session } from "./session.ts";

/** Every client connection of the service, with or without a key. Strangers, which have shown none, are not waited for. */
export class Connections extends LiveConnections<Session> {
  constructor() {
    super({
      isServing: ({ authenticated }) => authenticated,
      cut: (session) => (session.authenticated ? session.terminate("DRAIN_DEADLINE") : session.expire("HANDSHAKE_TIMEOUT")),
    });
  }
}
