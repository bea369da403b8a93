import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { FleetError } from "../fleet-error.ts";
import type { PortClaim } from "./worker-context.ts";

/**
 * Which ports the workers of a group may share. Sockets that share a port (SO_REUSEPORT) would share it with a second group started by mistake
 * as well, so the first worker that wants a port has it tried alone before.
 */
export class PortClaims {
  readonly #claims = new Map<string, Promise<number>>();

  /** The port's number. Rejects with FleetError BIND_FAILED while another program has it. */
  claim(claim: PortClaim): Promise<number> {
    const { transport, host, port } = claim;
    const key = `${transport} ${host} ${port}`;
    let granted = this.#claims.get(key);
    if (!granted) {
      granted = bindAlone(claim);
      this.#claims.set(key, granted);
      granted.catch(() => this.#claims.delete(key));
    }
    return granted;
  }
}

async function bindAlone({ transport, host, port }: PortClaim): Promise<number> {
  try {
    return transport === "tcp" ? await bindTcp(host, port) : await bindUdp(host, port);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Whether it can be bound at all is for the listener to find out, which knows other addresses to try.
    if (code !== "EADDRINUSE") return port;
    throw new FleetError("BIND_FAILED", `cannot listen on ${host} port ${port} (${transport}): the port is already in use (EADDRINUSE)`, {
      cause,
    });
  }
}

/** Binds and lets go: the number is the kernel's choice for port 0. */
export function bindTcp(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port }, () => {
      const bound = (server.address() as { port: number }).port;
      server.close(() => resolve(bound));
    });
  });
}

function bindUdp(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.once("error", reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      const bound = socket.address().port;
      socket.close(() => resolve(bound));
    });
  });
}
