import type { HostPort } from "@shadowfleet/runtime";

const DEFAULT_PORT = 6379;

/** Where a Redis (or Valkey) is and how to get in. */
export interface RedisSettings {
  /** One server, the master that sentinels name, or a cluster. Default single. */
  readonly mode?: "single" | "sentinel" | "cluster";
  /** The server, the sentinels, or some nodes of the cluster. */
  readonly hosts: readonly HostPort[];
  /** What the sentinels call the master. */
  readonly sentinelName?: string;
  /** ACL user; with `password` alone it is the default user. */
  readonly username?: string;
  readonly password?: string;
  /** For the sentinels themselves, where they ask for one. */
  readonly sentinelPassword?: string;
  /** Number of the database; 0 in a cluster. Default 0. */
  readonly database?: number;
  /** PEM texts. An empty object trusts the system's authorities. Undefined: no TLS. */
  readonly tls?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
  };
  /** Begins every key. Default `shadowfleet`. */
  readonly keyPrefix?: string;
}

/**
 * `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS. Throws RangeError, without quoting the text, when it is none.
 */
export function parseRedisUrl(text: string): RedisSettings {
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "" || !/^\/?\d*$/.test(url.pathname)) {
    throw new RangeError('must be a URL such as "redis://redis.example:6379" or "rediss://user:password@redis.example:6379/0"');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    hosts: [{ host, port: url.port === "" ? DEFAULT_PORT : Number(url.port) }],
    ...(url.username !== "" && { username: decodeURIComponent(url.username) }),
    ...(url.password !== "" && { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 && { database: Number(url.pathname.slice(1)) }),
    ...(url.protocol === "rediss:" && { tls: {} }),
  };
}
