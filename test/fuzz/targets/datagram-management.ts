import assert from "node:assert/strict";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { goDialect } from "../../../services/management/src/udp-management/go-dialect.ts";
import { libevDialect } from "../../../services/management/src/udp-management/libev-dialect.ts";
import { PortCommands } from "../../../services/management/src/udp-management/port-commands.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { pick } from "../models/addresses.ts";
import { FuzzedPlane } from "../models/control-plane.ts";
import { JSON_TOKENS, mutateData } from "../models/json.ts";

const PORTS = [8001, 8002, 8003];
const SAMPLE = { server_port: 8001, password: "a password", method: "aes-256-gcm", plugin: "", mode: "tcp_and_udp" };
const LONGEST_DATAGRAM = 60_000;

let running: { readonly plane: FuzzedPlane; readonly commands: PortCommands } | undefined;

async function start(): Promise<NonNullable<typeof running>> {
  const plane = await new FuzzedPlane().start();
  await plane.reportRelay(PORTS);
  return { plane, commands: new PortCommands(plane.context, plane.ports, plane.keys) };
}

function generate(random: PseudoRandom): Buffer[] {
  const command = pick(["add", "add", "add", "remove", "remove", "ping", "ping-stop", "list", "stat"], random);
  const sample = { ...SAMPLE, server_port: random.below(4) === 0 ? String(pick(PORTS, random)) : pick(PORTS, random) };
  const payload = command === "add" || command === "remove" ? JSON.stringify(mutateData(sample, random)) : "";
  return [Buffer.from(`${command}${pick([":", ": ", " "], random)}`), Buffer.from(payload)];
}

/** Anyone may send a datagram: it is answered in known words or not at all, and never by a bug. */
export const datagramManagement: FuzzTarget = {
  name: "udp-management",
  reaches: ["ok, ok", "err", "ok, pong", "ok, list", "ok, stat", "silence"],
  tokens: [...JSON_TOKENS, "add:", "remove:", "ping", "\0", "server_port"],
  isStructured: true,
  unit: 600,
  generate,
  async execute(parts, random) {
    running ??= await start();
    const { plane, commands } = running;
    const dialect = random.below(2) === 0 ? goDialect : libevDialect;
    const { replies } = await dialect.answer(Buffer.concat(parts).toString("utf8"), commands);
    assert.deepEqual(plane.takeErrors(), []);
    for (const reply of replies) assert.ok(Buffer.byteLength(reply) <= LONGEST_DATAGRAM, "an answer fits a datagram");
    const [first = "silence"] = replies;
    if (first.startsWith("stat: {")) {
      for (const reply of replies) JSON.parse(reply.slice("stat: ".length));
      return "ok, stat";
    }
    if (first.startsWith("[")) {
      for (const reply of replies) JSON.parse(reply);
      return "ok, list";
    }
    assert.match(first, /^(ok|err|pong|port is not available|silence)$/);
    return first === "ok" || first === "pong" ? `ok, ${first}` : first;
  },
  async close() {
    await running?.plane.close();
    running = undefined;
  },
};
