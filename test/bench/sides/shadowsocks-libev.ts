import { missingPrograms, type PeerCommands, printedVersion, startPeerStack } from "./peer-stack.ts";
import { IDLE_TIMEOUT_SECONDS, type Side, secretFor } from "./side.ts";

const METHODS = new Set(["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305"]);

/** ss-local and ss-server, the C implementation every ratio is taken to. Quiet (its verbose log costs), without Nagle's delay, as ours is. */
export const shadowsocksLibev: Side = {
  name: "shadowsocks-libev",
  missing: missingPrograms(["ss-local", "ss-server"]),
  version: async () => `shadowsocks-libev ${await printedVersion("ss-server", "-h")}`,
  supports: (method) => METHODS.has(method),
  start: (method) => startPeerStack((relayPort, proxyPort) => commands(method, relayPort, proxyPort)),
};

function commands(method: string, relayPort: number, proxyPort: number): PeerCommands {
  const common = ["-m", method, "-k", secretFor(method), "-t", String(IDLE_TIMEOUT_SECONDS), "-u", "--no-delay"];
  const upstream = ["-s", "127.0.0.1", "-p", String(relayPort)];
  return {
    server: ["ss-server", ...upstream, ...common],
    local: ["ss-local", ...upstream, "-b", "127.0.0.1", "-l", String(proxyPort), ...common],
  };
}
