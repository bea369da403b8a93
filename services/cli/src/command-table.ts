import manifest from "../package.json" with { type: "json" };
import type { Command } from "./arguments/command.ts";
import type { Grammar } from "./arguments/command-line.ts";
import { choiceFlag } from "./arguments/flag.ts";
import { bootstrap } from "./commands/bootstrap.ts";
import { completion } from "./commands/completion.ts";
import { configCheck } from "./commands/config.ts";
import { events } from "./commands/events.ts";
import { FLEET_COMMANDS } from "./commands/fleet.ts";
import { KEY_COMMANDS } from "./commands/key.ts";
import { PORT_COMMANDS } from "./commands/port.ts";
import { SESSION_COMMANDS } from "./commands/session.ts";
import { top } from "./commands/top.ts";
import { TRAFFIC_COMMANDS } from "./commands/traffic.ts";
import { UPSTREAM_COMMANDS } from "./commands/upstream.ts";
import { CONNECTION_FLAGS } from "./connection/connection-flags.ts";
import { OUTPUT_FORMATS } from "./output/output.ts";
import { SERVICES } from "./services.ts";

/** Flags that every command takes. */
export const SHARED_FLAGS = {
  output: choiceFlag("FORMAT", `${OUTPUT_FORMATS.join(", ")}; for people, or one document for machines`, OUTPUT_FORMATS, "o"),
  ...CONNECTION_FLAGS,
} as const;

const COMMANDS: readonly Command[] = [
  ...KEY_COMMANDS,
  ...PORT_COMMANDS,
  ...UPSTREAM_COMMANDS,
  ...TRAFFIC_COMMANDS,
  top,
  ...SESSION_COMMANDS,
  ...FLEET_COMMANDS,
  events,
  bootstrap,
  configCheck,
  completion(() => GRAMMAR),
];

/** Everything that may be typed, in the order help lists it. */
export const GRAMMAR: Grammar = {
  version: `shadowfleet ${manifest.version} (Node.js ${process.version})`,
  commands: COMMANDS,
  sharedFlags: SHARED_FLAGS,
  subjects: {
    key: "access keys: who may use the fleet",
    port: "listening ports of the relays",
    upstream: "relays that gateways send traffic to",
    session: "live connections",
    fleet: "running relays and gateways",
    config: "configuration files of the processes",
  },
  services: Object.entries(SERVICES).map(([name, { summary }]) => [name, summary] as const),
};
