import { readParameters } from "./command-text.ts";
import { type Answer, type Dialect, SILENCE } from "./dialect.ts";
import type { PortCommands } from "./port-commands.ts";
import { statMessages } from "./stat-text.ts";

const OK: Answer = { replies: ["ok"] };
const ERR: Answer = { replies: ["err"] };

/**
 * The ancestor's own dialect (shadowsocks-go `-manager-address`): add, remove, ping, and `stat` pushed to whoever pinged. Commands are
 * told by their first letters, as there; unlike there, `ping-stop` is looked at before `ping` and works, and `ok` means that the port serves.
 */
export const goDialect: Dialect = {
  async answer(message: string, ports: PortCommands): Promise<Answer> {
    if (message.startsWith("add:")) return add(message.slice("add:".length), ports);
    if (message.startsWith("remove:")) return remove(message.slice("remove:".length), ports);
    if (message.startsWith("ping-stop")) return { replies: ["pong"], subscription: "leave" };
    return message.startsWith("ping") ? { replies: ["pong"], subscription: "join" } : SILENCE;
  },

  /** Sorted as text, as Go marshals a map. */
  async push(ports: PortCommands): Promise<readonly string[]> {
    const totals = [...(await ports.totals())];
    return statMessages(totals.sort((a, b) => (String(a.port) < String(b.port) ? -1 : 1)));
  },
};

async function add(payload: string, ports: PortCommands): Promise<Answer> {
  const { port, password } = readParameters(payload);
  if (port === undefined || password === "") return ERR;
  return (await ports.add({ port, password, method: "" })) === "bound" ? OK : ERR;
}

/** A port that is not there is removed already. */
async function remove(payload: string, ports: PortCommands): Promise<Answer> {
  const { port } = readParameters(payload);
  return port !== undefined && (await ports.remove(port)) ? OK : ERR;
}
