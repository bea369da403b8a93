import { type RunnableService, SERVICES } from "./services.ts";

const [name = "", ...argv] = process.argv.slice(2);
const service: RunnableService | undefined = Object.hasOwn(SERVICES, name) ? SERVICES[name as keyof typeof SERVICES] : undefined;

if (service) {
  await service.run(argv);
} else {
  // Loaded only now, so that a service does not carry the commands.
  const [{ runCommand }, { systemTerminal }] = await Promise.all([import("./run.ts"), import("./terminal.ts")]);
  process.exitCode = await runCommand(process.argv.slice(2), systemTerminal());
}
