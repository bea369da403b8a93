import { readParameters } from "./command-text.ts";
import { type Answer, type Dialect, SILENCE } from "./dialect.ts";
import type { PortCommands, ServedPort } from "./port-commands.ts";
import { MAX_STAT_BYTES, statMessages } from "./stat-text.ts";

const OK: Answer = { replies: ["ok"] };
const ERR: Answer = { replies: ["err"] };
const NOT_AVAILABLE: Answer = { replies: ["port is not available"] };

/**
 * shadowsocks-libev's `ss-manager` (3.3.5): add with a method, remove, list, and ping answered with `stat` at once. A command is the first
 * word up to a colon or space; what is none gets no answer. Its options for processes (`fast_open`, `mode`, …) have no meaning here.
 */
export const libevDialect: Dialect = {
  async answer(message: string, ports: PortCommands): Promise<Answer> {
    const [, action = "", payload = ""] = /^\s*([^\s:\0]*)[\s:\0]*(.*)$/s.exec(message) ?? [];
    if (action === "add") return add(payload, ports);
    if (action === "remove") return remove(payload, ports);
    if (action === "list") return { replies: listMessages(await ports.list()) };
    return action === "ping" ? { replies: statMessages(await ports.totals()) } : SILENCE;
  },
};

async function add(payload: string, ports: PortCommands): Promise<Answer> {
  const { port, password, method, plugin } = readParameters(payload);
  if (port === undefined || password === "") return ERR;
  // Served without its plugin, the port would be of no use to its clients.
  if (plugin !== "") return NOT_AVAILABLE;
  return (await ports.add({ port, password, method })) === "bound" ? OK : NOT_AVAILABLE;
}

async function remove(payload: string, ports: PortCommands): Promise<Answer> {
  const { port } = readParameters(payload);
  return port !== undefined && (await ports.remove(port)) ? OK : ERR;
}

/** ss-manager's layout to the byte; where it cuts a long list anywhere, each datagram here is a whole one. Quotes in passwords are escaped. */
function listMessages(served: readonly ServedPort[]): string[] {
  const messages: string[] = [];
  let entries: string[] = [];
  let length = 0;
  for (const { port, password, method } of served) {
    const entry = `\n\t{"server_port":"${port}","password":${JSON.stringify(password)},"method":"${method}"}`;
    const bytes = Buffer.byteLength(entry) + 1;
    if (length + bytes > MAX_STAT_BYTES) {
      messages.push(`[${entries.join(",")}\n]`);
      entries = [];
      length = 0;
    }
    entries.push(entry);
    length += bytes;
  }
  messages.push(`[${entries.join(",")}\n]`);
  return messages;
}
