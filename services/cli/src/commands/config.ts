import { defineCommand } from "../arguments/command.ts";
import { requiredArgument } from "../arguments/flag.ts";
import { SERVICES, type ServiceName } from "../services.ts";

export const configCheck = defineCommand({
  name: "config check",
  summary: "says what a configuration file of a process comes to, without its secrets, or everything that is wrong with it",
  args: {
    service: requiredArgument("SERVICE", Object.keys(SERVICES).join(", "), (text): ServiceName => {
      if (!Object.hasOwn(SERVICES, text)) throw new RangeError(`expected one of ${Object.keys(SERVICES).join(", ")}`);
      return text as ServiceName;
    }),
    file: requiredArgument("FILE", "the configuration file"),
  },
  flags: {},
  isOffline: true,
  examples: ["shadowfleet config check tcp-relay relay.yaml"],
  run: async ({ args }) => await SERVICES[args.service].run([`--config=${args.file}`, "--check-config"]),
});
