import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { LoopbackHost } from "./loopback-server.ts";
import { claimPort } from "./port-claims.ts";

/** Below the range from which systems pick local ports of outgoing connections, so that none of those takes it before the test does. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
const ATTEMPTS = 200;

const given = new Set<number>();

/**
 * A port number that is free for TCP and UDP on 127.0.0.1 and on ::1, for programs that must be told a number. Nothing holds it: where port
 * 0 is possible, use that. No number is given twice by one process, nor by two at a time.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (given.has(port) || !claimPort(port)) continue;
    given.add(port);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free port after ${ATTEMPTS} attempts`);
}

/** Whether TCP and UDP can be bound at it on both loopbacks. A loopback the machine does not have counts as free. */
export async function isPortFree(port: number): Promise<boolean> {
  for (const host of ["127.0.0.1", "::1"] as const) {
    if (!(await canBindTcp(host, port)) || !(await canBindUdp(host, port))) return false;
  }
  return true;
}

function canBindTcp(host: LoopbackHost, port: number): Promise<boolean> {
  const server = createServer();
  return canBind(server, () => server.listen({ host, port, exclusive: true }));
}

function canBindUdp(host: LoopbackHost, port: number): Promise<boolean> {
  const socket = createSocket({ type: host === "::1" ? "udp6" : "udp4" });
  return canBind(socket, () => socket.bind({ address: host, port, exclusive: true }));
}

async function canBind(handle: NodeJS.EventEmitter & { close(): unknown }, bind: () => unknown): Promise<boolean> {
  const closed = new Promise((resolve) => handle.once("close", resolve));
  let failure: string | undefined;
  try {
    const listening = once(handle, "listening");
    bind();
    await listening;
  } catch (error) {
    failure = (error as NodeJS.ErrnoException).code;
  }
  handle.close();
  await closed;
  return failure === undefined || failure === "EADDRNOTAVAIL";
}
