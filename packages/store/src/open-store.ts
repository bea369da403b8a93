import { readFileSync } from "node:fs";
import { type Clock, ConfigError, hostPort, type Logger, type Metrics } from "@shadowfleet/runtime";
import { z } from "zod";
import type { FleetStore } from "./fleet-store.ts";
import { DEFAULT_KEY_PREFIX, KEY_PREFIX } from "./redis/keys.ts";
import { parseRedisUrl, type RedisSettings } from "./redis/redis-settings.ts";
import { RedisStore } from "./redis/redis-store.ts";
import { AesSealer, plainSealer, type SecretSealer } from "./secret-sealer.ts";
import { SqliteStore } from "./sqlite/sqlite-store.ts";

const MIN_SEALING_KEY_LENGTH = 32;
const file = () => z.string().min(1);

const memorySchema = z.strictObject({ type: z.literal("memory") });

const sqliteSchema = z.strictObject({ type: z.literal("sqlite"), path: file(), sealingKeyFile: file().optional() });

const tlsSchema = z.strictObject({
  caFile: file().optional(),
  certFile: file().optional(),
  keyFile: file().optional(),
  /** The name in the server's certificate, where it is not the host's. */
  serverName: z.string().min(1).optional(),
});

const redisSchema = z
  .strictObject({
    type: z.literal("redis"),
    mode: z.enum(["single", "sentinel", "cluster"]).default("single"),
    /** Instead of `hosts`, for one server. */
    url: z.string().transform(toRedisSettings).optional(),
    hosts: z.array(hostPort()).min(1).optional(),
    sentinelName: z.string().min(1).optional(),
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    passwordFile: file().optional(),
    sentinelPasswordFile: file().optional(),
    tls: tlsSchema.optional(),
    keyPrefix: z
      .string()
      .regex(KEY_PREFIX, "must be 1 to 64 letters, digits, dots, colons, dashes and underscores")
      .default(DEFAULT_KEY_PREFIX),
    sealingKeyFile: file().optional(),
  })
  .superRefine((config, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if ((config.url === undefined) === (config.hosts === undefined)) refuse("hosts", "give either hosts or url");
    if (config.url !== undefined && config.mode !== "single")
      refuse("url", `names one server: list the servers of mode ${config.mode} in hosts`);
    if (config.mode === "single" && config.hosts !== undefined && config.hosts.length > 1)
      refuse("hosts", "must be one server in mode single");
    if (config.mode === "sentinel" && config.sentinelName === undefined)
      refuse("sentinelName", "required in mode sentinel: what the sentinels call the master");
    if (config.password !== undefined && config.passwordFile !== undefined) refuse("passwordFile", "give either password or passwordFile");
    if ((config.tls?.certFile === undefined) !== (config.tls?.keyFile === undefined)) refuse("tls", "certFile and keyFile belong together");
  });

/** `store`: where the fleet's shared state is kept. */
export const storeSchema = z.discriminatedUnion("type", [memorySchema, sqliteSchema, redisSchema]);

export type StoreConfig = z.output<typeof storeSchema>;
type RedisConfig = z.output<typeof redisSchema>;

export interface OpenStoreDeps {
  readonly logger?: Logger;
  /** Gets the durations of calls to Redis. */
  readonly metrics?: Metrics;
  readonly clock?: Clock;
}

/**
 * The store that a configuration asks for. Throws ConfigError when a file it names cannot be used, FleetError STORE_UNAVAILABLE when the SQLite
 * file cannot be opened; Redis is connected to in the background.
 */
export function openStore(config: StoreConfig, { logger, metrics, clock }: OpenStoreDeps = {}): FleetStore {
  switch (config.type) {
    case "memory":
      return new SqliteStore({ path: ":memory:", ...(clock && { clock }) });
    case "sqlite":
      return new SqliteStore({ path: config.path, sealer: sealerFrom(config.sealingKeyFile), ...(clock && { clock }) });
    case "redis":
      return new RedisStore({
        ...redisSettings(config),
        sealer: sealerFrom(config.sealingKeyFile),
        ...(logger && { logger }),
        ...(metrics && { metrics }),
      });
  }
}

function redisSettings({
  url,
  mode,
  hosts,
  sentinelName,
  username,
  password,
  passwordFile,
  sentinelPasswordFile,
  tls,
  keyPrefix,
}: RedisConfig): RedisSettings {
  const secret = passwordFile === undefined ? password : readSecret("store.passwordFile", passwordFile);
  return {
    mode,
    hosts: hosts ?? [],
    ...url,
    keyPrefix,
    ...(sentinelName !== undefined && { sentinelName }),
    ...(username !== undefined && { username }),
    ...(secret !== undefined && { password: secret }),
    ...(sentinelPasswordFile !== undefined && { sentinelPassword: readSecret("store.sentinelPasswordFile", sentinelPasswordFile) }),
    ...(tls && { tls: tlsFrom(tls) }),
  };
}

function tlsFrom({ caFile, certFile, keyFile, serverName }: z.output<typeof tlsSchema>): NonNullable<RedisSettings["tls"]> {
  return {
    ...(caFile !== undefined && { ca: readText("store.tls.caFile", caFile) }),
    ...(certFile !== undefined && { cert: readText("store.tls.certFile", certFile) }),
    ...(keyFile !== undefined && { key: readText("store.tls.keyFile", keyFile) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

function sealerFrom(sealingKeyFile: string | undefined): SecretSealer {
  if (sealingKeyFile === undefined) return plainSealer;
  const path = "store.sealingKeyFile";
  const key = readSecret(path, sealingKeyFile);
  if (key.length < MIN_SEALING_KEY_LENGTH) {
    throw new ConfigError(sealingKeyFile, [
      { path, reason: `must hold at least ${MIN_SEALING_KEY_LENGTH} characters; try: openssl rand -base64 32` },
    ]);
  }
  return new AesSealer(key);
}

/** Without the line end that editors leave. */
function readSecret(path: string, name: string): string {
  const secret = readText(path, name).trim();
  if (secret === "") throw new ConfigError(name, [{ path, reason: "the file is empty" }]);
  return secret;
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(name, "utf8");
  } catch (error) {
    throw new ConfigError(name, [{ path, reason: `cannot be read: ${(error as NodeJS.ErrnoException).code}` }], { cause: error });
  }
}

function toRedisSettings(text: string, context: z.RefinementCtx): RedisSettings {
  try {
    return parseRedisUrl(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as RangeError).message });
    return z.NEVER;
  }
}
