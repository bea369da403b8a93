import { startProgram } from "@shadowfleet/testkit";
import type { LoadPrograms } from "./load-programs.ts";

/** What the proxies' traffic goes to: one port for TCP and UDP on 127.0.0.1. */
export interface LoadTarget extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

export async function startLoadTarget(programs: LoadPrograms): Promise<LoadTarget> {
  const program = startProgram(programs.target, []);
  const dispose = async (): Promise<void> => void (await program.stop());
  try {
    const [, port] = await program.waitForLine(/"port":(\d+)/);
    return { port: Number(port), pid: program.pid, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
