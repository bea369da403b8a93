import { Cluster, Redis, type RedisOptions } from "ioredis";
import { retryDelayMs } from "../retry-delay.ts";
import type { RedisSettings } from "./redis-settings.ts";
import { SCRIPTS } from "./scripts.ts";

const CONNECT_TIMEOUT_MS = 1_000;
const KEEP_ALIVE_MS = 5_000;
const DISCONNECT_TIMEOUT_MS = 200;
const CLUSTER_RETRY_MS = 100;
const MAX_REDIRECTIONS = 8;

/** What is used of ioredis's two clients. */
export type RedisClient = Redis | Cluster;

/**
 * An ioredis client that connects at once and again for ever. It sends no command twice: whether the first one was carried out cannot be known,
 * so it fails, and the caller decides. `silenceMs`: a connection with an open question and no byte for so long is dropped.
 */
export function createRedisClient(settings: RedisSettings, silenceMs: number): RedisClient {
  return settings.mode === "cluster" ? createCluster(settings, silenceMs) : createSingle(settings, silenceMs);
}

function createSingle(settings: RedisSettings, silenceMs: number): Redis {
  const { hosts, sentinelName, sentinelPassword, tls } = settings;
  const common = { ...connectionOptions(settings, silenceMs), retryStrategy: retryDelayMs, enableOfflineQueue: false, scripts: SCRIPTS };
  if (settings.mode !== "sentinel") return new Redis({ ...common, ...hosts[0]! });
  return new Redis({
    ...common,
    sentinels: hosts.map(({ host, port }) => ({ host, port })),
    name: sentinelName ?? "",
    // When no sentinel answers ioredis ends, and the connection starts over with a delay that `close` can cut short.
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
  });
}

function createCluster(settings: RedisSettings, silenceMs: number): Cluster {
  return new Cluster([...settings.hosts], {
    redisOptions: connectionOptions(settings, silenceMs),
    clusterRetryStrategy: retryDelayMs,
    maxRedirections: MAX_REDIRECTIONS,
    // 0: would send again what the lost connection may have carried out. The two others were refused and never carried out.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: CLUSTER_RETRY_MS,
    retryDelayOnTryAgain: CLUSTER_RETRY_MS,
    scripts: SCRIPTS,
    // With TLS nodes are known by the names in their certificates.
    ...(settings.tls && { dnsLookup: (host: string, done: (error: null, address: string) => void) => done(null, host) }),
  });
}

function connectionOptions({ username, password, database, tls }: RedisSettings, silenceMs: number): Omit<RedisOptions, "replyMapping"> {
  return {
    protocol: 2,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: silenceMs,
    keepAlive: KEEP_ALIVE_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A replica answers so: what was the master is none any more.
    reconnectOnError: (error) => error.message.includes("READONLY"),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { db: database }),
    ...(tls && { tls }),
  };
}
