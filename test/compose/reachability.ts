import type { ComposeProject } from "./compose-project.ts";

const PATIENCE_MS = 2_000;

/** Whether a TCP connection from a service's container comes about: "connected", or the system's reason, or "timeout". */
export async function connectFrom(project: ComposeProject, service: string, host: string, port: number): Promise<string> {
  return await project.evaluate(service, connectProgram(host, port));
}

/** Prints it, and ends. */
export function connectProgram(host: string, port: number): string {
  return `
    const say = (outcome) => { console.log(outcome); process.exit(); };
    const socket = require("node:net").connect({ host: ${JSON.stringify(host)}, port: ${port} });
    socket.on("connect", () => say("connected")).on("error", ({ code }) => say(code));
    setTimeout(say, ${PATIENCE_MS}, "timeout");`;
}
