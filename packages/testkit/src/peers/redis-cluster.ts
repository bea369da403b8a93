import { freePort } from "../free-port.ts";
import { runProgram } from "../process.ts";
import { type RedisServer, redisCli, redisInfoField, redisSays, startRedis } from "./redis.ts";

const NODES = 6;
const MASTERS = 3;
const NODE_TIMEOUT_MS = 1_500;
const CREATE_DEADLINE_MS = 20_000;

/** Three masters with one replica each. `await using` stops all. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[];
  /** The node that serves a key's slot now. */
  masterOf(key: string): Promise<RedisServer>;
  stop(): Promise<void>;
}

/** Starts six nodes, joins them and waits until every slot is served and every replica follows its master. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: RedisServer[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())));
  try {
    for (let node = 0; node < NODES; node++) nodes.push(await startNode());
    const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
    const create = ["--cluster", "create", ...addresses, "--cluster-replicas", "1", "--cluster-yes"];
    const { code, stdout, stderr } = await runProgram("redis-cli", create, { deadlineMs: CREATE_DEADLINE_MS });
    if (code !== 0) throw new Error(`redis-cli --cluster create: ${stdout}${stderr}`);
    await Promise.all(nodes.map(({ port }) => nodeIsReady(port)));
    await redisSays("a replica that follows for every master", async () => (await followers(nodes)) === MASTERS);
  } catch (error) {
    await stop();
    throw error;
  }
  const masterOf = async (key: string): Promise<RedisServer> => {
    const slot = Number(await nodes[0]!.cli("CLUSTER", "KEYSLOT", key));
    const known = (await Promise.any(nodes.map((node) => node.cli("CLUSTER", "NODES")))).split("\n").map((line) => line.split(" "));
    const line = known.find(
      ([, , flags = "", , , , , , ...ranges]) => /master/.test(flags) && !/fail/.test(flags) && ranges.some((range) => holds(range, slot)),
    );
    const port = Number(/:(\d+)@/.exec(line?.[1] ?? "")?.[1]);
    return nodes.find((node) => node.port === port)!;
  };
  return { nodes, masterOf, stop, [Symbol.asyncDispose]: stop };
}

function holds(range: string, slot: number): boolean {
  const [first = "", last = first] = range.split("-");
  return slot >= Number(first) && slot <= Number(last);
}

async function startNode(): Promise<RedisServer> {
  // Its bus would else be at port + 10,000, which may be taken.
  const busPort = await freePort();
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", String(NODE_TIMEOUT_MS), "--cluster-port", String(busPort)];
  return startRedis({ args });
}

async function nodeIsReady(port: number): Promise<void> {
  const isReady = async () => {
    const info = await redisCli(port, "CLUSTER", "INFO");
    return redisInfoField(info, "cluster_state") === "ok" && redisInfoField(info, "cluster_known_nodes") === String(NODES);
  };
  await redisSays(`cluster node at port ${port}`, isReady);
}

/** How many nodes are replicas with all of their master's data: only such a one can take its place. */
async function followers(nodes: readonly RedisServer[]): Promise<number> {
  const links = await Promise.all(nodes.map(async (node) => redisInfoField(await node.cli("INFO", "replication"), "master_link_status")));
  return links.filter((link) => link === "up").length;
}
