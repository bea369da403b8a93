/**
 * Stand-in for testcontainers/ryuk: each test process keeps a connection open and sends label filters, `label=a=b` lines joined with `&`, each
 * acknowledged. Once all connections have been gone for a while, everything with these labels is removed and the program ends.
 */
import { request } from "node:http";
import { createServer } from "node:net";

const ENGINE_SOCKET = "/var/run/docker.sock";
const FIRST_CONNECTION_MS = 60_000;
const RECONNECTION_MS = 10_000;

const labels = new Set<string>();
let connections = 0;
let countdown: NodeJS.Timeout | undefined;

function engine(method: string, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ socketPath: ENGINE_SOCKET, method, path }, async (response) => {
    let body = "";
    for await (const chunk of response) body += chunk;
    resolve(body);
  })
    .on("error", reject)
    .end();
  return promise;
}

async function removeEverything(): Promise<void> {
  for (const label of labels) {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const containers = JSON.parse(await engine("GET", `/containers/json?all=1&filters=${filters}`)) as {
      Id: string;
      Labels: Record<string, string>;
    }[];
    for (const { Id, Labels } of containers) {
      if (!Labels["org.testcontainers.ryuk"]) await engine("DELETE", `/containers/${Id}?force=1&v=1`);
    }
    await engine("POST", `/networks/prune?filters=${filters}`);
    await engine("POST", `/volumes/prune?filters=${filters}`);
    await engine("POST", `/images/prune?filters=${filters}`);
  }
  process.exit(0);
}

function removeUnlessConnected(delayMs: number): void {
  clearTimeout(countdown);
  countdown = setTimeout(() => {
    if (connections === 0) void removeEverything();
  }, delayMs);
}

createServer((socket) => {
  connections++;
  clearTimeout(countdown);
  let received = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (received + text).split("\n");
    received = lines.pop() ?? "";
    for (const line of lines) {
      for (const filter of line.trim().split("&")) {
        if (filter.startsWith("label=")) labels.add(decodeURIComponent(filter.slice("label=".length)));
      }
      socket.write("ACK\n");
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    connections--;
    removeUnlessConnected(RECONNECTION_MS);
  });
}).listen(8080, () => console.log("Started!"));

process.on("SIGTERM", () => process.exit(0));
removeUnlessConnected(FIRST_CONNECTION_MS);
