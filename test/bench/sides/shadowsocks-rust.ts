import { missingPrograms, type PeerCommands, printedVersion, startPeerStack } from "./peer-stack.ts";
import { type Side, secretFor } from "./side.ts";

const METHODS = new Set(["aes-128-gcm", "aes-256-gcm", "chacha20-ietf-poly1305", "2022-blake3-aes-128-gcm", "2022-blake3-aes-256-gcm"]);

/** sslocal and ssserver of shadowsocks-rust, which has SIP022 too; measured where they are installed. */
export const shadowsocksRust: Side = {
  name: "shadowsocks-rust",
  missing: missingPrograms(["sslocal", "ssserver"]),
  version: async () => `shadowsocks-rust ${await printedVersion("ssserver", "--version")}`,
  supports: (method) => METHODS.has(method),
  start: (method) => startPeerStack((relayPort, proxyPort) => commands(method, relayPort, proxyPort)),
};

function commands(method: string, relayPort: number, proxyPort: number): PeerCommands {
  const common = ["-s", `127.0.0.1:${relayPort}`, "-m", method, "-k", secretFor(method), "-U", "--tcp-no-delay"];
  return { server: ["ssserver", ...common], local: ["sslocal", "-b", `127.0.0.1:${proxyPort}`, ...common] };
}
