import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// Every byte is changed on its way, so that only two of them together pass anything on, as with real plugins.
const SOURCE = `#!${process.execPath}
const { connect, createServer } = require("node:net");
const { SS_REMOTE_HOST, SS_REMOTE_PORT, SS_LOCAL_HOST, SS_LOCAL_PORT, SS_PLUGIN_OPTIONS } = process.env;
const local = { host: SS_LOCAL_HOST, port: Number(SS_LOCAL_PORT) };
const remote = { host: SS_REMOTE_HOST.split("|")[0], port: Number(SS_REMOTE_PORT) };
const isServer = SS_PLUGIN_OPTIONS === "server";
const change = (from, to) => from.on("data", (bytes) => to.write(bytes.map((byte) => byte ^ 0x55))).on("end", () => to.end());
createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ ...(isServer ? local : remote), allowHalfOpen: true });
  change(near, far);
  change(far, near);
  for (const [socket, other] of [[near, far], [far, near]]) socket.on("error", () => other.destroy()).on("close", () => other.destroy());
}).listen(isServer ? remote : local);
console.error("forwarding, pid " + process.pid);
`;

/** Writes a SIP003 plugin, whose option "server" makes it the server's end, and gives its path. */
export function writeForwardingPlugin(folder: string): string {
  const program = join(folder, "forwarding-plugin");
  writeFileSync(program, SOURCE);
  chmodSync(program, 0o755);
  return program;
}
