import { eventually, findProgram, freePort, probe, type RunningProgram, runProgram, startProgram } from "@shadowfleet/testkit";
import { disposeAll, type Stack } from "./side.ts";

/** Command lines of another implementation's two programs. */
export interface PeerCommands {
  readonly server: readonly [program: string, ...args: string[]];
  readonly local: readonly [program: string, ...args: string[]];
}

/** Starts both and waits until each answers on its TCP port; its UDP port is bound by then. `describe` gets the relay's and the proxy's port. */
export async function startPeerStack(describe: (relayPort: number, proxyPort: number) => PeerCommands): Promise<Stack> {
  const [relayPort, proxyPort] = [await freePort(), await freePort()];
  const { server, local } = describe(relayPort, proxyPort);
  const started: RunningProgram[] = [];
  const dispose = (): Promise<void> => disposeAll(started);
  const start = async ([program, ...args]: readonly [string, ...string[]], port: number): Promise<number> => {
    const running = startProgram(program, args);
    started.push(running);
    await eventually(`${program} to serve`, () => isServing(running, port), 10_000);
    return running.pid;
  };
  try {
    const serverPid = await start(server, relayPort);
    const localPid = await start(local, proxyPort);
    return { proxyPort, localPid, serverPid: { tcp: serverPid, udp: serverPid }, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** An empty connection that is closed in return shows that its event loop runs, not only that the kernel accepts. */
async function isServing(program: RunningProgram, port: number): Promise<boolean> {
  if (!program.isRunning) throw new Error(`it ended:\n${program.output}`);
  try {
    return (await probe({ host: "127.0.0.1", port, fin: true, deadlineMs: 1_000 })).close !== "none";
  } catch {
    return false;
  }
}

/** Undefined when all are installed. */
export function missingPrograms(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(" and ")} not installed`;
}

/** The first thing that looks like a version in what the program prints; "unknown" otherwise. */
export async function printedVersion(program: string, flag: string): Promise<string> {
  const { stdout, stderr } = await runProgram(program, [flag]);
  return /\d+\.\d+\.\d+\S*/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}
