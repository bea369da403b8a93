import { defineCommand } from "../arguments/command.ts";
import { requiredArgument } from "../arguments/flag.ts";
import { fleetDocument, fleetLines } from "../views/fleet-view.ts";
import { fleetTest } from "./fleet-test.ts";

const status = defineCommand({
  name: "fleet status",
  summary: "shows what runs, at which configuration revision, and what is configured but not in force",
  args: {},
  flags: {},
  examples: ["shadowfleet fleet status", "shadowfleet fleet status -o json | jq '.members[] | select(.ready | not)'"],
  run: async (_, { fleet, output, clock }) => {
    const state = await fleet.call("fleet", "getFleet", {});
    output.answer(
      () => fleetDocument(state),
      () => fleetLines(state, clock.now()),
    );
  },
});

const drain = defineCommand({
  name: "fleet drain",
  summary: "has a relay or gateway finish: nothing new is accepted, live sessions go on until they end",
  args: { id: requiredArgument("MEMBER", "its id, as `shadowfleet fleet status` shows it") },
  flags: {},
  examples: ["shadowfleet fleet drain relay-1"],
  run: async ({ args }, { fleet, output }) => {
    await fleet.call("fleet", "drainMember", args);
    output.answer(
      () => ({ id: args.id, draining: true }),
      () => [`${args.id} was told to drain.`],
    );
  },
});

export const FLEET_COMMANDS = [status, drain, fleetTest];
