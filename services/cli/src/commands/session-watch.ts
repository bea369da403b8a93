import type { Session, WatchSessionsResponse } from "@shadowfleet/control-api";
import { defineCommand } from "../arguments/command.ts";
import { textFlag } from "../arguments/flag.ts";
import { formatBytes } from "../output/amounts.ts";
import { formatClock } from "../output/times.ts";
import { untilInterrupted } from "../shell.ts";
import { sessionDocument, sessionLine } from "../views/session-view.ts";

/** Sessions as a stream tells of them: who is new, who is gone. */
export class SessionLog {
  readonly #live = new Map<string, Session>();

  /** One line for every session that opened or closed; growing byte counts are only remembered. */
  take({ updated, closedIds }: WatchSessionsResponse, isWhole: boolean, now: Date): string[] {
    const at = formatClock(now);
    const known = new Set(updated.map(({ id }) => id));
    // After a new connection the whole comes again; what is not in it closed meanwhile.
    const closed = isWhole ? [...this.#live.keys()].filter((id) => !known.has(id)) : closedIds;
    return [
      ...updated.flatMap((session) => {
        const isNew = !this.#live.has(session.id);
        this.#live.set(session.id, session);
        return isNew ? [`${at}  opened  ${sessionLine(session)}`] : [];
      }),
      ...closed.flatMap((id) => {
        const session = this.#live.get(id);
        this.#live.delete(id);
        return session
          ? [`${at}  closed  ${sessionLine(session)}  up ${formatBytes(session.upBytes)}  down ${formatBytes(session.downBytes)}`]
          : [];
      }),
    ];
  }
}

export const sessionWatch = defineCommand({
  name: "session watch",
  summary: "tells of sessions as they open and close, until interrupted",
  details: "With -o json a line is what changed: the sessions that are new or have moved bytes, and the ids of those that closed.",
  args: {},
  flags: { key: textFlag("ID", "only those of this access key") },
  examples: ["shadowfleet session watch", "shadowfleet session watch --key alice -o json"],
  run: ({ flags }, { fleet, output, terminal, clock }) =>
    untilInterrupted(terminal, async (interrupted) => {
      const log = new SessionLog();
      const request = { accessKeyId: flags.key ?? "" };
      for await (const { message, isFirst } of fleet.watch("sessions", "watchSessions", request, interrupted)) {
        output.next(
          () => ({ isFirst, updated: message.updated.map(sessionDocument), closedIds: message.closedIds }),
          () => log.take(message, isFirst, new Date(clock.now())),
        );
      }
    }),
});
