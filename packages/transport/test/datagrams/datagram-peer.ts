import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { TestContext } from "node:test";

/** A plain UDP socket on loopback, closed with the test. */
export async function bindPeer(t: TestContext, host: "127.0.0.1" | "::1" = "127.0.0.1"): Promise<Socket> {
  const socket = createSocket({ type: host === "::1" ? "udp6" : "udp4", recvBufferSize: 1024 * 1024 });
  socket.bind(0, host);
  await once(socket, "listening");
  t.after(() => socket.close());
  return socket;
}
