import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

async function isFree(host: string, port: number): Promise<number | undefined> {
  const tcp = createServer();
  const udp = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    tcp.listen({ host, port, exclusive: true });
    await once(tcp, "listening");
    const address = tcp.address();
    const bound = typeof address === "object" && address ? address.port : port;
    udp.bind({ address: host, port: bound, exclusive: true });
    await once(udp, "listening");
    return bound;
  } catch {
    return undefined;
  } finally {
    tcp.close();
    udp.close();
  }
}

/** `preferred`, when it can be bound for TCP and UDP on `host`; otherwise a port that can. */
export async function choosePort(host: string, preferred: number): Promise<number> {
  for (const candidate of [preferred, 0, 0, 0, 0]) {
    const port = await isFree(host, candidate);
    if (port !== undefined) return port;
  }
  // Let the service itself say what is wrong with this address.
  return preferred;
}
