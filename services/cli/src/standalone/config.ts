import { type ConfigSource, commonConfigShape, logSchema, parseWith } from "@shadowfleet/runtime";
import { storeSchema } from "@shadowfleet/store";
import { METHODS } from "@shadowfleet/wire";
import { z } from "zod";

const port = z.int().min(1).max(65_535).optional();
const SECURE_METHODS = METHODS.filter(({ kind }) => kind !== "stream").map(({ name }) => name);

const standaloneSchema = z.strictObject({
  ...commonConfigShape,
  /** A person reads this log, so lines are text unless asked otherwise. */
  log: logSchema.extend({ format: logSchema.shape.format.removeDefault().default("text") }).prefault({}),
  /** Where applications connect. Without `port`: 1080, or a free one where that is taken. */
  gateway: z.strictObject({ host: z.string().min(1).default("127.0.0.1"), port }).prefault({}),
  /** Where Shadowsocks clients connect, TCP and UDP. Without `port`: 8388, or a free one. `method` and `secret` count when the demo key is made, at the first start. */
  relay: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1"),
      port,
      method: z.enum(SECURE_METHODS).default("chacha20-ietf-poly1305"),
      secret: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Where keys and counters are kept. Default: a SQLite file in the user's state folder. */
  store: storeSchema.optional(),
  /** Where the gRPC API is served, and over HTTP the console and the other doors, on loopback. Without `port`: 9190 and 9191, or free ones. */
  management: z.strictObject({ port, http: z.strictObject({ enabled: z.boolean().default(true), port }).prefault({}) }).prefault({}),
});

export type StandaloneConfig = z.output<typeof standaloneSchema>;

/** Reads the standalone mode's configuration; everything has a default. Throws ConfigError with every problem. */
export function loadStandaloneConfig(source: ConfigSource): StandaloneConfig {
  return parseWith(standaloneSchema, source.data, source.name);
}
