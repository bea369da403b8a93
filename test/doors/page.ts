import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A web page on loopback, for clients to fetch through the fleet. */
export async function startPage(): Promise<{
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly body: string;
  close(): Promise<void>;
}> {
  const body = "a page behind the fleet\n";
  const server = createServer((_request, response) => response.end(body));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { host: "127.0.0.1", port, body, close };
}
