import { defineCommand } from "../arguments/command.ts";
import { optionalArgument, textFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { allPages, PAGE_SIZE } from "../connection/pages.ts";
import { sessionDocument, sessionTable } from "../views/session-view.ts";
import { sessionWatch } from "./session-watch.ts";

const list = defineCommand({
  name: "session list",
  summary: "lists live sessions: TCP connections and UDP associations on all relays",
  args: {},
  flags: { key: textFlag("ID", "only those of this access key") },
  examples: ["shadowfleet session list", "shadowfleet session list --key alice"],
  run: async ({ flags }, { fleet, output, clock }) => {
    const sessions = await allPages(async (pageToken) => {
      const page = await fleet.call("sessions", "listSessions", { pageSize: PAGE_SIZE, pageToken, accessKeyId: flags.key ?? "" });
      return { items: page.sessions, nextPageToken: page.nextPageToken };
    });
    output.answer(
      () => ({ sessions: sessions.map(sessionDocument) }),
      () => (sessions.length === 0 ? ["There is no live session."] : sessionTable(sessions, clock.now())),
    );
  },
});

const kill = defineCommand({
  name: "session kill",
  summary: "ends one session, or all of an access key, wherever they live",
  details: "The access key goes on working: to keep its owner out, disable or delete it.",
  args: { id: optionalArgument("SESSION", "its id, as `shadowfleet session list` shows it") },
  flags: { key: textFlag("ID", "all sessions of this access key") },
  examples: ["shadowfleet session kill relay-1-4f2a", "shadowfleet session kill --key alice"],
  run: async ({ args: { id }, flags: { key } }, { fleet, output }) => {
    const target =
      id !== undefined && key === undefined
        ? ({ $case: "sessionId", value: id } as const)
        : key !== undefined && id === undefined
          ? ({ $case: "accessKeyId", value: key } as const)
          : undefined;
    if (target === undefined) throw new UsageError("session kill needs either SESSION or --key");
    await fleet.call("sessions", "terminateSessions", { target });
    output.answer(
      () => ({ [target.$case]: target.value, ended: true }),
      () => [target.$case === "sessionId" ? `Session ${target.value} is told to end.` : `The sessions of ${target.value} are told to end.`],
    );
  },
});

export const SESSION_COMMANDS = [list, sessionWatch, kill];
