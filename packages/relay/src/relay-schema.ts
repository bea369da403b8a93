import { commonConfigShape, durationMs, listenPort, pluginOptions, pluginProgram, portNumber, workersSchema } from "@shadowfleet/runtime";
import { isAddressBlock } from "@shadowfleet/transport";
import { z } from "zod";
import { parseCidr } from "./cidr.ts";
import { fleetSchema } from "./fleet/fleet-schema.ts";
import { isHostName } from "./target-guard.ts";

const MAX_KEY_ID = 128;

function haveOwnPorts(plugins: readonly { readonly ports?: readonly number[] | undefined }[]): boolean {
  const ports = plugins.flatMap((plugin) => plugin.ports ?? []);
  const isEverywhere = plugins.some((plugin) => plugin.ports === undefined);
  return new Set(ports).size === ports.length && !(isEverywhere && plugins.length > 1);
}

const cidr = z
  .string()
  .refine((text) => parseCidr(text) !== undefined, 'must be an address or a block such as "10.1.0.0/16" or "fd00::/8"');

const addressBlock = z.string().refine(isAddressBlock, 'must be an address or a block such as "10.0.0.0/8" or "fd00::/8"');

const allowedTarget = z
  .string()
  .refine(
    (text) => parseCidr(text) !== undefined || isHostName(text),
    'must be an address, a block such as "10.1.0.0/16" or "fd00::/8", or a host name',
  );

const targetLists = z.strictObject({ allow: z.array(allowedTarget).default([]), deny: z.array(cidr).default([]) });

/** One of many access keys of a port. */
export const keySchema = z.strictObject({
  /** Names the key in logs, counters and the API; unique in the whole file. */
  id: z.string().min(1).max(MAX_KEY_ID),
  /** For people. Default: the id. */
  name: z.string().optional(),
  /** A password, or for 2022 methods base64 of exactly as many bytes as the method's key has. */
  secret: z.string().min(1),
  /** For this key alone, added to the relay's own `targets`. */
  targets: targetLists.optional(),
});

/** One listening port: either `password` or `keys`. */
export const portSchema = z.strictObject({
  port: listenPort(),
  /** Bind address; "::" is IPv6 and IPv4. */
  host: z.string().min(1).default("::"),
  method: z.string().min(1).default("chacha20-ietf-poly1305"),
  /** One key, whose id is the port number. */
  password: z.string().min(1).optional(),
  keys: z.array(keySchema).min(1).optional(),
  /** SIP023, 2022 AES methods only: the port's own pre-shared key, which lets it have many keys. */
  identityKey: z.string().min(1).optional(),
});

/** Everything but the ports; what a file in the ancestor's format may add to it. Durations are milliseconds after parsing. */
const settingsShape = {
  /** Lets ports use the ancestor's stream ciphers, which anyone on the way can tamper with. */
  allowInsecureCiphers: z.boolean().default(false),
  /** Lets clients reach loopback, private, link-local and other reserved addresses. */
  allowPrivateTargets: z.boolean().default(false),
  /** Exceptions to what clients may reach; deny wins. A host name holds for clients that ask by exactly that name. */
  targets: targetLists.prefault({}),
  timeouts: z
    .strictObject({
      /** From accept to a complete, valid handshake; also how long a prober is listened to. */
      handshake: durationMs({ minMs: 1 }).prefault("60s"),
      /** Resolving and connecting together. */
      dial: durationMs({ minMs: 1 }).prefault("10s"),
      /** TCP without traffic in either direction; "0s" never. */
      idle: durationMs().prefault("5m"),
      udpIdle: durationMs({ minMs: 1 }).prefault("5m"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** Live TCP connections per port; `auto` is what the descriptor limit allows. */
      maxConnections: z.union([z.literal("auto"), z.int().min(1)]).default("auto"),
      /** TCP connections that have shown no key yet, by source and in all; above it the oldest ends as at its deadline. */
      strangersPerSource: z.int().min(1).default(512),
      strangers: z.union([z.literal("auto"), z.int().min(1)]).default("auto"),
      /** Keys tried in vain a second on SIP004 ports with many: by source, and for all sources that are known, new, or have failed before, each. */
      keyTrialsPerSource: z.int().min(1).default(1000),
      keyTrials: z.int().min(1).default(10_000),
      udpSessionsPerKey: z.int().min(1).default(512),
      /** `auto` is what the descriptor limit allows. */
      udpSessions: z.union([z.literal("auto"), z.int().min(1)]).default("auto"),
      /** The store of a fleet does not answer, and an access key has used what was leased to this relay of its limits. */
      whenUnavailable: z.enum(["continue", "refuse"]).default("continue"),
    })
    .prefault({}),
  /** Refuse SIP004 salts seen before; 2022 methods always do. */
  replayFilter: z.boolean().default(true),
  /** In a fleet, salts are looked up in its store as well: a relay refuses what another one has seen. */
  sharedReplay: z
    .strictObject({
      sip004: z.boolean().default(true),
      /** How long the store keeps a SIP004 salt. */
      sip004Window: durationMs({ minMs: 1000 }).prefault("15m"),
      /** The store does not answer: `accept` serves clients that the relay's own filter lets in. */
      whenUnavailable: z.enum(["accept", "refuse"]).default("accept"),
    })
    .prefault({}),
  /** SIP022 behind a proxy that re-segments: accept the first header in several reads. */
  allowSegmentedHeader: z.boolean().default(false),
  /** TCP behind load balancers: connections of these sources must begin with a PROXY protocol header, those of all others are read as they are. */
  proxyProtocol: z.strictObject({ trustedSources: z.array(addressBlock).min(1) }).optional(),
  /** TCP: SIP003 plugins that listen at ports in the relay's place. */
  plugins: z
    .array(
      z.strictObject({
        program: pluginProgram(),
        pluginOptions: pluginOptions().default(""),
        /** Default: every port. */
        ports: z.array(portNumber()).min(1).optional(),
      }),
    )
    .refine(haveOwnPorts, "two plugins are for the same port")
    .optional(),
  ...commonConfigShape,
};

export const relaySettingsSchema = z.strictObject(settingsShape);

/**
 * The relays' own file format: either the ports themselves, or the fleet that has them. What goes beyond shapes (secrets, duplicates, what a
 * method allows) is checked by `planPorts`.
 */
export const relayConfigSchema = z.strictObject({
  ports: z.array(portSchema).min(1).optional(),
  fleet: fleetSchema.optional(),
  /** Processes that serve side by side on the same ports; `auto`: one for each core. */
  workers: workersSchema,
  ...settingsShape,
});

export type RelaySettingsInput = z.output<typeof relaySettingsSchema>;
export type PortInput = z.output<typeof portSchema>;
