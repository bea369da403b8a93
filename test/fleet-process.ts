import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort, type RunningProgram, startNodeScript, startProgram } from "@shadowfleet/testkit";

const ROOT = join(import.meta.dirname, "..");
/** A process that ends is noticed at once; this is for a machine that is busy with much else. */
const START_DEADLINE_MS = 60_000;

export type ServiceName = "gateway" | "tcp-relay" | "udp-relay" | "management";

/** One service as operators run it: its own process, its own configuration file, its admin port. */
export interface FleetProcess extends AsyncDisposable {
  readonly program: RunningProgram;
  readonly adminPort: number;
  readonly configFile: string;
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
}

export interface ServiceOptions {
  /** Soft and hard limit of open files. */
  readonly maxDescriptors?: number;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Run in place of the service's `main.ts`. */
  readonly main?: string;
}

/** Starts `services/NAME/src/main.ts --config FILE` and waits until it is ready. */
export async function startService(
  name: ServiceName,
  config: object,
  flags: readonly string[] = [],
  { maxDescriptors, env = {}, main = join(ROOT, "services", name, "src/main.ts") }: ServiceOptions = {},
): Promise<FleetProcess> {
  const adminPort = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "shadowfleet-"));
  const configFile = join(folder, `${name}.json`);
  // The ancestor's format has no `admin`, but does not mind it.
  writeFileSync(configFile, JSON.stringify({ ...config, admin: { port: adminPort } }));
  const args = [main, "--config", configFile, ...flags];
  const program =
    maxDescriptors === undefined
      ? startNodeScript(args[0]!, args.slice(1), { env })
      : startProgram("prlimit", [`--nofile=${maxDescriptors}`, process.execPath, ...args], { env });
  const dispose = async (): Promise<void> => {
    await program.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(`readiness of ${name}`, () => isReady(program, adminPort), START_DEADLINE_MS);
  } catch (error) {
    await dispose();
    throw new Error(`${(error as Error).message}; it wrote:\n${program.output}`);
  }
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  return { program, adminPort, configFile, metrics, [Symbol.asyncDispose]: dispose };
}

async function isReady(program: RunningProgram, adminPort: number): Promise<boolean> {
  if (!program.isRunning) throw new Error("it ended");
  try {
    return (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Both relays on one port, as a person's client expects them. */
export async function startRelays(config: object): Promise<AsyncDisposable> {
  const flags = ["--allow-private-targets"];
  const tcp = await startService("tcp-relay", config, flags);
  const udp = await startService("udp-relay", config, flags);
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all([tcp[Symbol.asyncDispose](), udp[Symbol.asyncDispose]()]);
    },
  };
}
