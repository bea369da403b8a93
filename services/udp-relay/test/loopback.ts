import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { TestContext } from "node:test";

/** A plain UDP socket on loopback (127.0.0.1 or ::1), closed with the test. Port 0: the kernel chooses. */
export async function bindPeer(t: TestContext, host: "127.0.0.1" | "::1" = "127.0.0.1", port = 0): Promise<Socket> {
  const socket = createSocket(host === "::1" ? "udp6" : "udp4");
  socket.bind(port, host);
  await once(socket, "listening");
  t.after(() => closeSocket(socket));
  return socket;
}

/** A peer that sends every datagram back to where it came from. */
export async function bindEcho(t: TestContext, host: "127.0.0.1" | "::1" = "127.0.0.1"): Promise<Socket> {
  const socket = await bindPeer(t, host);
  socket.on("message", (datagram, peer) => socket.send(datagram, peer.port, peer.address));
  return socket;
}

export function closeSocket(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // The test has closed it.
  }
}

/** Waits until `condition` holds; fails the test when it does not within `timeoutMs`. */
export async function until(condition: () => boolean, timeoutMs = 3000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, `not within ${timeoutMs} ms: ${condition}`);
    await pause(5);
  }
}

/** For checks that something does not happen, or to let datagrams in flight arrive. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
