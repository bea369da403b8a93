import type { Socket } from "node:net";
import { socks5Request } from "@shadowfleet/testkit";
import type { LoadedFleet } from "../traffic/loaded-fleet.ts";
import { ECHO_PORT } from "../traffic/target/ports.ts";

const AT_ONCE = 20;
const DEADLINE_MS = 20_000;

/** Sessions through the fleet that say nothing and stay until disposed of; those that are refused are let go. */
export async function holdConnections({ proxy, target }: LoadedFleet, count: number): Promise<AsyncDisposable> {
  const held: Socket[] = [];
  const open = async (): Promise<void> => {
    const { ok, socket } = await socks5Request({ proxy, target: { host: target.host, port: ECHO_PORT }, deadlineMs: DEADLINE_MS });
    if (ok) held.push(socket.resume());
    else socket.destroy();
  };
  for (let opened = 0; opened < count; opened += AT_ONCE) await Promise.allSettled(Array.from({ length: AT_ONCE }, open));
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of held) socket.destroy();
    },
  };
}
