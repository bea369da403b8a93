import { Cluster, type Redis } from "ioredis";
import type { StoreServer } from "../store-server.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** Asks the server, or each master of a cluster; a master that does not answer is left out. */
export async function readServers(connection: RedisConnection, database: number): Promise<readonly StoreServer[]> {
  return connection.run("INFO", async (client) => {
    if (!(client instanceof Cluster)) return [await readServer(client, database)];
    const found = await Promise.allSettled(client.nodes("master").map((node) => readServer(node, database)));
    return found.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  });
}

async function readServer(redis: Redis, database: number): Promise<StoreServer> {
  return parseInfo(nodeName(redis), await redis.info(), database);
}

/** Behind sentinels the options name those: the socket knows the master they led to. */
function nodeName({ options, stream }: Redis): string {
  const [host, port] = options.sentinels ? [stream.remoteAddress, stream.remotePort] : [options.host, options.port];
  return host?.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Of INFO's answer: lines of `name:value`, and `db0:keys=1,expires=0,…`. */
export function parseInfo(node: string, text: string, database: number): StoreServer {
  const fields = new Map(text.split("\r\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
  const count = (name: string): number => Number(fields.get(name) ?? 0);
  const [, keys = "0"] = /\bkeys=(\d+)/.exec(fields.get(`db${database}`) ?? "") ?? [];
  return {
    node,
    memoryBytes: count("used_memory"),
    memoryLimitBytes: count("maxmemory"),
    clients: count("connected_clients"),
    commands: count("total_commands_processed"),
    keys: Number(keys),
    uptimeSeconds: count("uptime_in_seconds"),
    isAofOk: fields.get("aof_enabled") === "1" && fields.get("aof_last_write_status") === "ok",
    replicas: count("connected_slaves"),
  };
}
