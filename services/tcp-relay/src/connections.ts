import { LiveConnections } from "@shadowfleet/transport";
import type { Session } from "./session.ts";

/** A client connection as a drain sees it: a session, or one whose proxy has not said yet whose it is. */
export type ClientConnection = Pick<Session, "authenticated" | "terminate" | "expire" | "livePlace">;

/** Every client connection of the service, with or without a key. Strangers, which have shown none, are not waited for. */
export class Connections extends LiveConnections<ClientConnection> {
  constructor() {
    super({
      isServing: ({ authenticated }) => authenticated,
      cut: (session) => (session.authenticated ? session.terminate("DRAIN_DEADLINE") : session.expire("HANDSHAKE_TIMEOUT")),
    });
  }
}
