import { commonConfigShape, durationMs, listenPort, pluginProgram, workersSchema } from "@shadowfleet/runtime";
import { isAddressBlock } from "@shadowfleet/transport";
import { z } from "zod";
import { fleetSchema } from "../fleet/fleet-schema.ts";
import { POLICIES } from "../upstream/policy.ts";

const MAX_CREDENTIAL_BYTES = 255;
const credentialText = () =>
  z.string().refine((text) => Buffer.byteLength(text) <= MAX_CREDENTIAL_BYTES, `has at most ${MAX_CREDENTIAL_BYTES} bytes in SOCKS5`);

/** A person who may use the gateway; without a password the name alone is enough. */
const userSchema = z.strictObject({
  name: credentialText()
    .min(1)
    .refine((name) => !name.includes(":"), "must not contain a colon, which ends the name in HTTP"),
  password: credentialText().default(""),
});

/** Everything but where to listen and the upstreams; what a file in the ancestor's format may add to it. Durations are milliseconds after parsing. */
const settingsShape = {
  /** None: whoever reaches the port may use it. */
  users: z
    .array(userSchema)
    .refine((users) => new Set(users.map(({ name }) => name)).size === users.length, "two users have the same name")
    .default([]),
  /** Which upstream serves a request: in order, in turn, or by dial latency; failing ones are held back by all three. */
  policy: z.enum(POLICIES).default("classic"),
  timeouts: z
    .strictObject({
      /** From accept to a complete request. */
      handshake: durationMs({ minMs: 1 }).prefault("10s"),
      /** Resolving and connecting to one upstream. */
      dial: durationMs({ minMs: 1 }).prefault("5s"),
      /** TCP without traffic in either direction; "0s" never. */
      idle: durationMs().prefault("5m"),
      /** A UDP association without datagrams in either direction. */
      udpIdle: durationMs({ minMs: 1 }).prefault("5m"),
      /** How long a granted client is given to send something that can travel with the request; "0ms" not at all. */
      firstPayloadWait: durationMs({ maxMs: 1000 }).prefault("3ms"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** Live client connections; beyond them accepting pauses. */
      maxConnections: z.int().min(1).default(4096),
      /** Clients whose request is not complete yet; beyond them the oldest is given up as at its deadline. */
      handshakes: z.int().min(1).default(1024),
      /** Live UDP associations; beyond them new ones are refused. */
      udpAssociations: z.int().min(0).default(1024),
    })
    .prefault({}),
  /** Connections of these sources must begin with a PROXY protocol header, those of all others are read as they are. */
  proxyProtocol: z
    .strictObject({
      trustedSources: z.array(z.string().refine(isAddressBlock, 'must be an address or a block such as "10.0.0.0/8" or "fd00::/8"')).min(1),
    })
    .optional(),
  /** Programs that may be started as SIP003 plugins, by the name that URIs and upstreams give them. Nothing else is ever started. */
  plugins: z.record(z.string().min(1), pluginProgram()).default({}),
  /** Lets upstreams use the ancestor's stream ciphers, which anyone on the way can tamper with. */
  allowInsecureCiphers: z.boolean().default(false),
  ...commonConfigShape,
};

export const gatewaySettingsSchema = z.strictObject(settingsShape);

/** The gateway's own file. Upstreams are read one by one (see own-file.ts), so that one bad entry does not hide what is wrong with the next. */
export const gatewayFileSchema = z.strictObject({
  listen: z.strictObject({ host: z.string().min(1).default("127.0.0.1"), port: listenPort().default(1080) }).prefault({}),
  upstreams: z.array(z.unknown()).default([]),
  /** Upstreams from management instead of `upstreams`, and failCnt shared with the other gateways. */
  fleet: fleetSchema.optional(),
  /** Processes that serve side by side on the same port; `auto`: one for each core. */
  workers: workersSchema,
  ...settingsShape,
});

export type GatewaySettings = z.output<typeof gatewaySettingsSchema>;
