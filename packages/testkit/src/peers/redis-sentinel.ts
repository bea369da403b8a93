import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { type RunningProgram, startProgram } from "../process.ts";
import { type RedisServer, redisCli, redisInfoField, redisSays, startRedis, temporaryRedisDir } from "./redis.ts";

const SENTINELS = 3;
const QUORUM = 2;
const DOWN_AFTER_MS = 1_000;
const FAILOVER_TIMEOUT_MS = 3_000;

export interface SentinelSetupOptions {
  /** Default 1. */
  readonly replicas?: number;
  /** For every redis-server. */
  readonly args?: readonly string[];
}

/** A master, its replicas and three sentinels that watch it. `await using` stops all. */
export interface SentinelSetup extends AsyncDisposable {
  /** What the sentinels call the master. */
  readonly masterName: string;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** The first is the master at the start. */
  readonly servers: readonly RedisServer[];
  /** The server that the sentinels name as master now. */
  master(): Promise<RedisServer>;
  stop(): Promise<void>;
}

/** Starts them and waits until replication runs and the sentinels agree: a master killed before that is never replaced. */
export async function startSentinelSetup(options: SentinelSetupOptions = {}): Promise<SentinelSetup> {
  const masterName = "fleet";
  const dir = await temporaryRedisDir();
  const servers: RedisServer[] = [];
  const programs: RunningProgram[] = [];
  const ports: number[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(programs.map((program) => program.stop()));
    await Promise.all(servers.map((server) => server.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const first = await startRedis({ args: options.args ?? [] });
    servers.push(first);
    for (let replica = 0; replica < (options.replicas ?? 1); replica++) {
      servers.push(await startRedis({ args: [...(options.args ?? []), "--replicaof", first.host, String(first.port)] }));
    }
    await Promise.all(servers.slice(1).map(({ port }) => replicaIsUp(port)));
    for (let sentinel = 0; sentinel < SENTINELS; sentinel++) {
      const port = await freePort();
      ports.push(port);
      programs.push(await startSentinel(join(dir, `sentinel-${sentinel}.conf`), port, masterName, first));
    }
    await Promise.all(ports.map((port) => sentinelIsReady(port, masterName, servers.length - 1)));
  } catch (error) {
    await stop();
    throw error;
  }
  const master = async (): Promise<RedisServer> => {
    const [, port] = (await redisCli(ports[0]!, "SENTINEL", "get-master-addr-by-name", masterName)).split("\n");
    return servers.find((server) => server.port === Number(port))!;
  };
  const sentinels = ports.map((port) => ({ host: "127.0.0.1", port }));
  return { masterName, sentinels, servers, master, stop, [Symbol.asyncDispose]: stop };
}

/** Waits until the server at that port is a replica whose link to its master stands. */
async function replicaIsUp(port: number): Promise<void> {
  const isUp = async () => redisInfoField(await redisCli(port, "INFO", "replication"), "master_link_status") === "up";
  await redisSays(`replication to port ${port}`, isUp);
}

async function startSentinel(file: string, port: number, masterName: string, master: RedisServer): Promise<RunningProgram> {
  const lines = [
    "bind 127.0.0.1",
    `port ${port}`,
    `sentinel monitor ${masterName} ${master.host} ${master.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${masterName} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${masterName} ${FAILOVER_TIMEOUT_MS}`,
    "",
  ];
  await writeFile(file, lines.join("\n"));
  const program = startProgram("redis-server", [file, "--sentinel"]);
  await program.waitForLine(/\+monitor master/);
  return program;
}

async function sentinelIsReady(port: number, masterName: string, replicas: number): Promise<void> {
  const isReady = async () => {
    const fields = (await redisCli(port, "SENTINEL", "master", masterName)).split("\n");
    const field = (name: string) => Number(fields[fields.indexOf(name) + 1]);
    return field("num-slaves") === replicas && field("num-other-sentinels") === SENTINELS - 1;
  };
  await redisSays(`sentinel at port ${port} to know all others`, isReady);
}
